//! What payments refer to, as ERPNext has it.
//!
//! Contacts and invoices may be many: their keys are read page by page, in the order in which they were created, which
//! never changes and which a new name does not change either. Everything else is small and read as a whole.

mod accounts;
mod company;
mod contacts;
mod invoices;
mod pages;
mod periods;
mod tracking;

pub use contacts::{PARTY_ACCOUNT, PARTY_ACCOUNT_CURRENCY};
pub use pages::{Kind, by_creation};

use super::auth::Site;
use crate::connectors::{Error, KeyPage, RemoteKey, RemoteObject};
use crate::domain::references::Resource;

pub async fn keys(site: &Site, resource: Resource, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
    match resource {
        Resource::Contact => pages::by_creation(site, &contacts::kinds(), after).await,
        Resource::Invoice => pages::by_creation(site, &invoices::kinds(site)?, after).await,
        _ => Ok(pages::of_all(all(site, resource).await?, after)),
    }
}

pub async fn objects(site: &Site, resource: Resource, keys: &[RemoteKey]) -> Result<Vec<RemoteObject>, Error> {
    match resource {
        Resource::Contact => contacts::read(site, keys).await,
        Resource::Invoice => invoices::read(site, keys).await,
        _ => {
            let is_wanted = |object: &RemoteObject| keys.iter().any(|key| key.remote_id == object.remote_id);
            Ok(all(site, resource).await?.into_iter().filter(is_wanted).collect())
        }
    }
}

/// All objects of a small resource.
async fn all(site: &Site, resource: Resource) -> Result<Vec<RemoteObject>, Error> {
    match resource {
        Resource::CompanyInfo => company::read(site).await,
        Resource::Account => accounts::read(site).await,
        Resource::TrackingCategory => tracking::read(site).await,
        Resource::AccountingPeriod => periods::read(site).await,
        Resource::Contact | Resource::Invoice => Ok(Vec::new()),
    }
}
