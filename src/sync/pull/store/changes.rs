//! Announces what a pull finds.

use uuid::Uuid;

use crate::auth::JobTransaction;
use crate::db;
use crate::domain::EventType;
use crate::domain::references::Resource;
use crate::events;

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Updated,
    Deleted,
}

/// Announces what became of objects of a resource. Before its first complete pull nothing is: then everything is new, and
/// `sync.completed` says that it is there.
///
/// # Errors
/// When the database fails.
pub(super) async fn announce(
    transaction: &mut JobTransaction,
    resource: Resource,
    change: Change,
    objects: &[Uuid],
) -> Result<(), db::Error> {
    if objects.is_empty() {
        return Ok(());
    }
    let is_complete = sqlx::query_scalar!(
        r#"
        select exists (
            select from pull_progress where connection_id = $1 and resource = $2 and last_synced_at is not null
        ) as "is_complete!"
        "#,
        transaction.connection_id().0,
        resource.as_str(),
    )
    .fetch_one(transaction.executor())
    .await?;
    if is_complete {
        events::announce(transaction, kind(resource, change), objects, None).await?;
    }
    Ok(())
}

fn kind(resource: Resource, change: Change) -> EventType {
    use EventType as E;
    let [created, updated, deleted] = match resource {
        Resource::CompanyInfo => [E::CompanyInfoCreated, E::CompanyInfoUpdated, E::CompanyInfoDeleted],
        Resource::Account => [E::AccountCreated, E::AccountUpdated, E::AccountDeleted],
        Resource::Contact => [E::ContactCreated, E::ContactUpdated, E::ContactDeleted],
        Resource::TrackingCategory => {
            [E::TrackingCategoryCreated, E::TrackingCategoryUpdated, E::TrackingCategoryDeleted]
        }
        Resource::AccountingPeriod => {
            [E::AccountingPeriodCreated, E::AccountingPeriodUpdated, E::AccountingPeriodDeleted]
        }
        Resource::Invoice => [E::InvoiceCreated, E::InvoiceUpdated, E::InvoiceDeleted],
    };
    match change {
        Change::Created => created,
        Change::Updated => updated,
        Change::Deleted => deleted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_names_the_resource_and_the_change() {
        for &resource in Resource::ALL {
            for (change, name) in
                [(Change::Created, "created"), (Change::Updated, "updated"), (Change::Deleted, "deleted")]
            {
                assert_eq!(kind(resource, change).as_str(), format!("accounting.{}.{name}", resource.as_str()));
            }
        }
    }
}
