//! A page of what payments refer to.

use std::collections::HashMap;

use super::failure::Failure;
use super::page;
use super::run::{Pull, range};
use super::store::{self, Read};
use crate::auth::JobTransaction;
use crate::connectors::{KeyPage, RemoteKey};
use crate::domain::ReferenceId;
use crate::domain::references::Resource;

/// The most objects that one transaction marks as gone.
const GONE_AT_A_TIME: u16 = 1_000;

impl Pull<'_> {
    /// Stores what changed and what is gone, in the transaction that it returns.
    pub async fn references(
        &self,
        resource: Resource,
        after: Option<&RemoteKey>,
        page: &KeyPage,
    ) -> Result<JobTransaction, Failure> {
        let id = |key: &RemoteKey| resource.id(self.job.connection_id(), &key.remote_id);
        let ids: Vec<ReferenceId> = page.keys.iter().map(id).collect();
        let known = store::known(self.job, &ids).await?;
        let changed = page::changed(&page.keys, &ids, &known);
        let objects = if changed.is_empty() { Vec::new() } else { self.connector.objects(resource, &changed).await? };
        // An object that is left out was deleted after its key was read: the next pull does not find the key any more.
        let mut objects: HashMap<_, _> = objects.into_iter().map(|object| (object.remote_id.clone(), object)).collect();
        let read = changed.into_iter().filter_map(|key| {
            let object = objects.remove(&key.remote_id)?;
            Some(Read { id: id(&key), key, object })
        });
        let read: Vec<_> = read.collect();

        let range = range(after, page);
        loop {
            let (mut transaction, now) = self.transaction().await?;
            let gone = store::mark_gone(&mut transaction, resource, now, range, &ids, GONE_AT_A_TIME).await?;
            if gone < u64::from(GONE_AT_A_TIME) {
                if !read.is_empty() {
                    store::upsert(&mut transaction, resource, now, &read).await?;
                }
                return Ok(transaction);
            }
            transaction.commit().await?;
        }
    }
}
