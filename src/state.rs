//! What handlers share. None of it leads to the database but through the gate.

use axum::extract::FromRef;

use crate::accounting::payments::GroupCommit;
use crate::auth::Gate;
use crate::config::Limits;
use crate::http::load_shed::LoadShed;

/// The state of the server.
#[derive(Debug, Clone, FromRef)]
pub struct AppState {
    /// Decides who passes.
    pub gate: Gate,
    /// The way of new payments into the database.
    pub payments: GroupCommit,
    /// Limits on one request.
    pub limits: Limits,
    /// Room for requests.
    pub load: LoadShed,
}
