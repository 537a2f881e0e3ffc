//! What handlers share. None of it leads to the database but through the gate.

use axum::extract::FromRef;

use crate::accounting::payments::GroupCommit;
use crate::auth::Authenticator;
use crate::http::admission::LoadShed;
use crate::http::request::Limits;

/// The state of the server.
#[derive(Debug, Clone, FromRef)]
pub struct AppState {
    /// Decides who passes.
    pub authenticator: Authenticator,
    /// The way of new payments into the database.
    pub payments: GroupCommit,
    /// Limits on one request.
    pub limits: Limits,
    /// Room for requests.
    pub load: LoadShed,
}
