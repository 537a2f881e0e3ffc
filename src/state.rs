//! What handlers share. The only way from here to the database is through the authenticator.

use std::sync::Arc;

use axum::extract::FromRef;

use crate::accounting::payments::GroupCommit;
use crate::accounting::payments::software::Writes;
use crate::auth::Authenticator;
use crate::http::admission::LoadShed;
use crate::http::request::Limits;

/// The state of the server.
#[derive(Debug, Clone, FromRef)]
pub struct AppState {
    /// Recognizes callers.
    pub authenticator: Authenticator,
    /// Writes new payments.
    pub payments: GroupCommit,
    /// The writes into accounting software.
    pub writes: Arc<dyn Writes>,
    /// Limits on one request.
    pub limits: Limits,
    /// Limits on what is under way.
    pub load: LoadShed,
}
