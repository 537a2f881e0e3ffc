//! What handlers share. The only way from here to the database is through the authenticator.

use axum::extract::FromRef;

use crate::accounting::payments::GroupCommit;
use crate::accounting::payments::software::Calls;
use crate::auth::Authenticator;
use crate::http::admission::LoadShed;
use crate::http::request::Limits;
use crate::webhooks::delivery::Deliveries;
use crate::webhooks::endpoints::Endpoints;
use crate::webhooks::stream::Streams;

/// The state of the server.
#[derive(Debug, Clone, FromRef)]
pub struct AppState {
    /// Recognizes callers.
    pub authenticator: Authenticator,
    /// Writes new payments.
    pub payments: GroupCommit,
    /// Create calls that wait for accounting software.
    pub calls: Calls,
    /// Creates and changes webhook endpoints.
    pub endpoints: Endpoints,
    /// Delivers events to webhook endpoints.
    pub deliveries: Deliveries,
    /// Streams events to clients.
    pub streams: Streams,
    /// Limits on one request.
    pub limits: Limits,
    /// Limits on what is under way.
    pub load: LoadShed,
}
