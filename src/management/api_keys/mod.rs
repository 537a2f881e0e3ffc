//! API keys: who is calling. Made at the console, never over HTTP.

pub mod api_key;
pub mod store;

pub use api_key::ApiKey;
