//! Webhook endpoints: where the events of a project are sent.

mod address;
pub mod api;
mod change;
mod create;
mod endpoint;
mod error;
mod management;
mod payload_format;
mod reseal;
mod secrets;
mod store;

pub use address::EndpointUrl;
pub use api::WebhookView;
pub use change::EndpointChanges;
pub use create::NewEndpoint;
pub use endpoint::{Disabled, DisabledReason, Endpoint};
pub use error::Error;
pub use management::Endpoints;
pub use payload_format::PayloadFormat;
pub use reseal::{MissingKey, Resealed, missing_keys, reseal};
pub use secrets::{SealedSecrets, Secrets, Unusable};
pub use store::{active, disable, find, list};
