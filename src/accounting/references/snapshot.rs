//! Objects as events show them.

use super::{Error, Listed, ReferenceView, store};
use crate::auth::Scope;
use crate::domain::ReferenceId;
use crate::domain::references::{Account, AccountingPeriod, CompanyInfo, Contact, Invoice, Resource, TrackingCategory};

/// The JSON that the read call answers for an object now; `None` when there is none.
///
/// # Errors
/// When the database fails.
pub async fn snapshot(scope: &Scope, resource: Resource, id: ReferenceId) -> Result<Option<String>, Error> {
    match resource {
        Resource::CompanyInfo => text::<CompanyInfo>(scope, resource, id).await,
        Resource::Account => text::<Account>(scope, resource, id).await,
        Resource::Contact => text::<Contact>(scope, resource, id).await,
        Resource::TrackingCategory => text::<TrackingCategory>(scope, resource, id).await,
        Resource::AccountingPeriod => text::<AccountingPeriod>(scope, resource, id).await,
        Resource::Invoice => text::<Invoice>(scope, resource, id).await,
    }
}

async fn text<T: serde::Serialize + serde::de::DeserializeOwned + Listed>(
    scope: &Scope,
    resource: Resource,
    id: ReferenceId,
) -> Result<Option<String>, Error> {
    let Some(reference) = store::read(scope, resource, id, false).await? else { return Ok(None) };
    Ok(Some(serde_json::to_string(&ReferenceView::<T>::of(&reference)?)?))
}
