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

/// Declares the parts of the state, each of which a handler can extract.
macro_rules! parts {
    ($($(#[$doc:meta])+ $part:ident: $type:ty,)+) => {
        /// The parts of the state.
        #[derive(Debug)]
        pub struct Parts {
            $($(#[$doc])+ pub $part: $type,)+
        }

        $(impl FromRef<AppState> for $type {
            fn from_ref(state: &AppState) -> Self {
                state.0.$part.clone()
            }
        })+
    };
}

parts! {
    /// Recognizes callers.
    authenticator: Authenticator,
    /// Writes new payments.
    payments: GroupCommit,
    /// Create calls of connections with accounting software.
    calls: Calls,
    /// Creates and changes webhook endpoints.
    endpoints: Endpoints,
    /// Delivers events to webhook endpoints.
    deliveries: Deliveries,
    /// Streams events to clients.
    streams: Streams,
    /// Limits on one request.
    limits: Limits,
    /// Limits on what is under way.
    load: LoadShed,
}

impl From<Parts> for AppState {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}
