//! Why an endpoint was not created or changed.

use super::secrets::Unusable;
use crate::db;
use crate::domain::{ConnectionId, ProjectId};
use crate::outgoing;

/// Why an endpoint was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or another project's.
    #[error("the project has no such webhook endpoint")]
    NotFound,
    /// There is no such project.
    #[error("there is no project {0}")]
    NoSuchProject(ProjectId),
    /// The project has as many as it may have.
    #[error("the project has {0} webhook endpoints already, which is the limit")]
    TooMany(i64),
    /// The connection is none of the project.
    #[error("the project has no connection {0}")]
    UnknownConnection(ConnectionId),
    /// The host of the URL may not be called, or cannot be found.
    #[error("{0}")]
    Address(outgoing::Error),
    /// Nothing seals its secret.
    #[error("UNIBOOKS_SEALING_KEYS is not set, so no secret can be stored")]
    NoKeys,
    /// Its secrets cannot be opened.
    #[error("its secrets cannot be opened: {0}")]
    Secrets(#[from] Unusable),
    /// Somebody else changed it at the same time.
    #[error("the webhook endpoint was changed at the same time")]
    Changed,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}
