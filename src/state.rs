//! What handlers share. The only way from here to the database is through the authenticator.

use std::sync::Arc;

use axum::extract::FromRef;

use crate::accounting::payments::GroupCommit;
use crate::accounting::payments::software::Calls;
use crate::auth::Authenticator;
use crate::http::admission::LoadShed;
use crate::http::request::Limits;
use crate::webhooks::delivery::Deliveries;
use crate::webhooks::endpoints::Endpoints;
use crate::webhooks::stream::Streams;

/// The state of the server. Every request clones it, so it is one pointer: to clone all its parts was a fifteenth of what
/// a create call cost the server.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of the state.
#[derive(Debug)]
pub struct Parts {
    /// Recognizes callers.
    pub authenticator: Authenticator,
    /// Writes new payments.
    pub payments: GroupCommit,
    /// Create calls of connections with accounting software.
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

impl From<Parts> for AppState {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

/// Lets handlers extract each part.
macro_rules! extractable {
    ($($part:ident: $type:ty,)+) => {
        $(impl FromRef<AppState> for $type {
            fn from_ref(state: &AppState) -> Self {
                state.0.$part.clone()
            }
        })+
    };
}

extractable! {
    authenticator: Authenticator,
    payments: GroupCommit,
    calls: Calls,
    endpoints: Endpoints,
    deliveries: Deliveries,
    streams: Streams,
    limits: Limits,
    load: LoadShed,
}
