//! One pull of a connection, from where the last one ended.

use std::time::Duration;

use super::failure::{Failure, is_of_one_resource};
use super::page;
use super::pulled::Pulled;
use super::store::{self, Lease, Progress, Range};
use crate::auth::{JobScope, JobTransaction};
use crate::connectors::{Capabilities, Connector, KeyPage, RemoteKey};
use crate::sync::write::fault;

/// How long the lease of a pull lasts from its last page on: longer than the calls of a page may take. After that another
/// server goes on.
pub const LEASE: Duration = Duration::from_mins(5);

/// A pull under way.
pub(super) struct Pull<'a> {
    pub job: &'a JobScope,
    pub connector: &'a dyn Connector,
    capabilities: &'a Capabilities,
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
    capabilities: &Capabilities,
    lease: &Lease,
    is_stopping: &(dyn Fn() -> bool + Send + Sync),
) -> Result<(), Failure> {
    let pull = Pull { job, connector, capabilities, lease, is_stopping };
    for Progress { pulled, after, .. } in pull.begun().await? {
        match pull.all_of(pulled, after).await {
            Ok(()) => {}
            Err(Failure::Software(error)) => {
                let is_given_up = is_of_one_resource(&error);
                store::fail(job, pulled, &fault(&error), is_given_up).await?;
                if !is_given_up {
                    return Err(error.into());
                }
                tracing::warn!(
                    connection_id = %job.connection_id(), resource = pulled.as_str(),
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
        store::begin(&mut transaction, now, Pulled::of(self.capabilities)).await?;
        transaction.commit().await?;
        Ok(under_way(store::progress(self.job.scope()).await?))
    }

    /// Begins the transaction of a page, under the lease.
    pub async fn transaction(&self) -> Result<(JobTransaction, chrono::DateTime<chrono::Utc>), Failure> {
        let mut transaction = self.job.transaction().await?;
        let now = store::keep(&mut transaction, self.lease, LEASE).await?.ok_or(Failure::LeaseLost)?;
        Ok((transaction, now))
    }

    /// Reads all objects of a kind from a key on.
    async fn all_of(&self, pulled: Pulled, mut after: Option<RemoteKey>) -> Result<(), Failure> {
        loop {
            if (self.is_stopping)() {
                return Err(Failure::Stopped);
            }
            let page = match pulled {
                Pulled::References(resource) => self.connector.keys(resource, after.as_ref()).await?,
                Pulled::Payments => self.connector.payment_keys(after.as_ref()).await?,
            };
            page::check(&page, after.as_ref(), pulled)?;
            let mut transaction = match pulled {
                Pulled::References(resource) => self.references(resource, after.as_ref(), &page).await?,
                Pulled::Payments => self.payments(after.as_ref(), &page).await?,
            };
            match page.keys.last() {
                _ if page.is_last => store::finish(&mut transaction, pulled).await?,
                Some(key) => store::advance(&mut transaction, pulled, key).await?,
                None => {}
            }
            transaction.commit().await?;
            if page.is_last {
                return Ok(());
            }
            after = page.keys.last().cloned();
        }
    }
}

/// The range of a page of keys behind `after`. The last one has no end.
pub(super) fn range<'a>(after: Option<&'a RemoteKey>, page: &'a KeyPage) -> Range<'a> {
    let last = page.keys.last().filter(|_| !page.is_last);
    Range { after: after.map(|key| key.position.as_str()), until: last.map(|key| key.position.as_str()) }
}
