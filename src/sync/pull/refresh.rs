//! Invoices that were just paid are read again at once, and not with the next pull.

use super::failure::Failure;
use super::store::{self, Read};
use crate::auth::JobScope;
use crate::connectors::{Connector, RemoteKey};
use crate::domain::references::Resource;
use crate::domain::{ReferenceId, RemoteId};

/// Reads invoices again that were read before, by one call of the connector. Their stamps stay those of their last pull:
/// the next one finds that they have changed, so that it misses nothing that changes while this one reads.
///
/// # Errors
/// When the software or the database fails. Then the next pull brings what is missing.
pub async fn refresh_invoices(job: &JobScope, connector: &dyn Connector, invoices: &[RemoteId]) -> Result<(), Failure> {
    let id = |remote_id: &RemoteId| Resource::Invoice.id(job.connection_id(), remote_id);
    let ids: Vec<ReferenceId> = invoices.iter().map(id).collect();
    let known = store::known(job, &ids).await?;
    let key = |remote_id: &RemoteId| {
        let known = known.get(&id(remote_id)).filter(|known| !known.remote_was_deleted)?;
        let (position, stamp) = (known.position.clone(), known.stamp.clone());
        Some(RemoteKey { remote_id: remote_id.clone(), position, stamp })
    };
    let keys: Vec<_> = invoices.iter().filter_map(key).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let objects = connector.objects(Resource::Invoice, &keys).await?;
    let read = objects.into_iter().filter_map(|object| {
        let key = keys.iter().find(|key| key.remote_id == object.remote_id)?.clone();
        Some(Read { id: id(&key.remote_id), key, object })
    });
    let read: Vec<_> = read.collect();
    let mut transaction = job.transaction().await?;
    // Without the row nothing was ever pulled.
    if let Some(now) = store::wait_for_page(&mut transaction).await? {
        store::upsert(&mut transaction, Resource::Invoice, now, &read).await?;
        transaction.commit().await?;
    }
    Ok(())
}
