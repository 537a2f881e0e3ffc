//! One pull that a person at the command line waits for.

use std::time::Duration;

use uuid::Uuid;

use super::failure::Failure;
use super::pulls::settle;
use super::run::{LEASE, pull};
use super::store;
use crate::auth::{JobScope, Operator};
use crate::db;
use crate::domain::ConnectionId;
use crate::management::connections::{self, Access, NoAccess, software};

/// The time between two looks at a pull of somebody else.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Why there was no pull.
#[derive(Debug, thiserror::Error)]
pub enum CannotPull {
    /// The id is wrong.
    #[error("there is no connection {0}; see `connection list`")]
    NoSuchConnection(ConnectionId),
    /// There is nothing to read.
    #[error("the connection {0} has no accounting software")]
    NoSoftware(ConnectionId),
    /// The software cannot be called.
    #[error(transparent)]
    NoAccess(#[from] NoAccess),
    /// It ended before it was complete.
    #[error("not everything was read; what was read before stays: {0}")]
    Failed(#[from] Failure),
}

impl From<db::Error> for CannotPull {
    fn from(error: db::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Reads the software behind a connection now; waits first for a pull that is under way. `interval` lies before the
/// server's next one. Returns the connection's rows, whose progress says what was read.
///
/// # Errors
/// When it was not complete.
pub async fn pull_now(
    operator: &Operator,
    connection: ConnectionId,
    access: &Access,
    interval: Duration,
) -> Result<JobScope, CannotPull> {
    let found = connections::find(operator, connection).await?.ok_or(CannotPull::NoSuchConnection(connection))?;
    let job = operator.job(found.project_id, connection);
    let software = software(&job).await?.ok_or(CannotPull::NoSoftware(connection))?;
    let provider = access.provider(&software)?;
    let connector = access.connect(connection, &software)?;
    store::request(&operator.project(found.project_id), Some(connection), Duration::ZERO).await?;
    let lease = loop {
        match store::lease(&job, Uuid::now_v7(), LEASE).await? {
            Some(lease) => break lease,
            None => tokio::time::sleep(LOOK_AGAIN).await,
        }
    };
    let ended = pull(&job, &*connector, provider.capabilities(), &lease, &|| false).await;
    settle(&job, &software, &lease, &ended, interval).await;
    ended?;
    Ok(job)
}
