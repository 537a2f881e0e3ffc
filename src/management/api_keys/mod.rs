//! API keys: who is calling. Created at the command line, never over HTTP.

mod api_key;
mod create;
mod store;

pub use api_key::ApiKey;
pub use create::{NewApiKey, create};
pub use store::{list, revoke};
