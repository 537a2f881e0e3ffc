//! One pull of a connection, from where the last one ended.

use std::collections::HashMap;
use std::time::Duration;

use super::failure::{Failure, is_of_one_resource};
use super::page;
use super::store::{self, Lease, Progress, Range, Read};
use crate::auth::{JobScope, JobTransaction};
use crate::connectors::{Connector, KeyPage, RemoteKey};
use crate::domain::ReferenceId;
use crate::domain::references::Resource;
use crate::sync::write::fault;

/// How long the lease of a pull lasts from its last page on: longer than the calls of a page may take. After that another
/// server goes on.
pub const LEASE: Duration = Duration::from_mins(5);

/// The most objects that one transaction marks as gone.
const GONE_AT_A_TIME: u16 = 1_000;

/// A pull under way.
struct Pull<'a> {
    job: &'a JobScope,
    connector: &'a dyn Connector,
    lease: &'a Lease,
    is_stopping: &'a (dyn Fn() -> bool + Send + Sync),
}

/// Reads all resources: goes on with a pull that was cut off, or begins a new one. It ends early, and can be continued,
/// when `is_stopping`. A resource that the software refuses is skipped, and its progress says why.
///
/// # Errors
/// When something concerns all resources; what was stored before stays.
pub async fn pull(
    job: &JobScope,
    connector: &dyn Connector,
    lease: &Lease,
    is_stopping: &(dyn Fn() -> bool + Send + Sync),
) -> Result<(), Failure> {
    let pull = Pull { job, connector, lease, is_stopping };
    for Progress { resource, after, .. } in pull.begun().await? {
        match pull.resource(resource, after).await {
            Ok(()) => {}
            Err(Failure::Software(error)) => {
                let is_given_up = is_of_one_resource(&error);
                store::fail(job, resource, &fault(&error), is_given_up).await?;
                if !is_given_up {
                    return Err(error.into());
                }
                tracing::warn!(
                    connection_id = %job.connection_id(), resource = resource.as_str(),
                    error = &error as &dyn std::error::Error, "a resource was not read from the accounting software",
                );
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

impl Pull<'_> {
    /// The resources that are still to be read.
    async fn begun(&self) -> Result<Vec<Progress>, Failure> {
        let under_way = |progress: Vec<Progress>| {
            progress.into_iter().filter(|progress| progress.started_at.is_some()).collect::<Vec<_>>()
        };
        let cut_off = under_way(store::progress(self.job.scope()).await?);
        if !cut_off.is_empty() {
            return Ok(cut_off);
        }
        let (mut transaction, now) = self.transaction().await?;
        store::begin(&mut transaction, now).await?;
        transaction.commit().await?;
        Ok(under_way(store::progress(self.job.scope()).await?))
    }

    /// Begins the transaction of a page, under the lease.
    async fn transaction(&self) -> Result<(JobTransaction, chrono::DateTime<chrono::Utc>), Failure> {
        let mut transaction = self.job.transaction().await?;
        let now = store::keep(&mut transaction, self.lease, LEASE).await?.ok_or(Failure::LeaseLost)?;
        Ok((transaction, now))
    }

    /// Reads a resource from a key on.
    async fn resource(&self, resource: Resource, mut after: Option<RemoteKey>) -> Result<(), Failure> {
        loop {
            if (self.is_stopping)() {
                return Err(Failure::Stopped);
            }
            let page = self.connector.keys(resource, after.as_ref()).await?;
            self.page(resource, after.as_ref(), &page).await?;
            if page.is_last {
                return Ok(());
            }
            after = page.keys.last().cloned();
        }
    }

    /// Stores a page: what changed, what is gone, and how far the pull is.
    async fn page(&self, resource: Resource, after: Option<&RemoteKey>, page: &KeyPage) -> Result<(), Failure> {
        let keys = page::checked(page, after, self.job.connection_id(), resource)?;
        let ids: Vec<ReferenceId> = keys.iter().map(|(id, _)| *id).collect();
        let known = store::known(self.job, &ids).await?;
        let changed = page::changed(&keys, &known);
        let objects = if changed.is_empty() { Vec::new() } else { self.connector.objects(resource, &changed).await? };
        // An object that is left out was deleted after its key was read: the next pull does not find the key any more.
        let mut objects: HashMap<_, _> = objects.into_iter().map(|object| (object.remote_id.clone(), object)).collect();
        let read = changed.into_iter().filter_map(|key| {
            let object = objects.remove(&key.remote_id)?;
            Some(Read { id: resource.id(self.job.connection_id(), &key.remote_id), key, object })
        });
        let read: Vec<_> = read.collect();

        let last = keys.last().map(|(_, key)| key);
        let until = if page.is_last { None } else { last.map(|key| key.position.as_str()) };
        let range = Range { after: after.map(|key| key.position.as_str()), until };
        let mut transaction = loop {
            let (mut transaction, now) = self.transaction().await?;
            let gone = store::mark_gone(&mut transaction, resource, now, range, &ids, GONE_AT_A_TIME).await?;
            if gone < u64::from(GONE_AT_A_TIME) {
                if !read.is_empty() {
                    store::upsert(&mut transaction, resource, now, &read).await?;
                }
                break transaction;
            }
            transaction.commit().await?;
        };
        match last {
            _ if page.is_last => store::finish(&mut transaction, resource).await?,
            Some(key) => store::advance(&mut transaction, resource, key).await?,
            None => {}
        }
        transaction.commit().await.map_err(Failure::from)
    }
}
