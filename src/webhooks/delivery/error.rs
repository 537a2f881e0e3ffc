//! Why something was not delivered, or not begun.

use crate::db;
use crate::webhooks::endpoints::Unusable;
use crate::webhooks::feed;

/// Why something was not delivered, or not begun.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// A body could not be rendered.
    #[error(transparent)]
    Body(#[from] feed::Error),
    /// There are no keys to open the secrets of endpoints.
    #[error("UNIBOOKS_SEALING_KEYS is not set, so the secrets of webhook endpoints cannot be opened")]
    NoKeys,
    /// The secrets of an endpoint cannot be opened.
    #[error("the secrets of the webhook endpoint cannot be opened: {0}")]
    Secrets(#[from] Unusable),
    /// Somebody else sends to the endpoint now.
    #[error("the lease has lapsed, and another server may have it")]
    LeaseLost,
    /// There is no such endpoint in the project.
    #[error("there is no such webhook endpoint")]
    NoSuchEndpoint,
    /// There is no such event in the project, or it is not kept any more.
    #[error("there is no such event")]
    NoSuchEvent,
    /// Earlier requests to send events again are still under way.
    #[error("too many replays are under way")]
    TooManyReplays,
}
