//! What an operator manages: projects, their API keys, their connections.
//!
//! Each of them is created in its `create.rs` and nowhere else: id, secret and times come from there.

pub mod api_keys;
pub mod connections;
mod credential;
mod error;
pub mod projects;

pub use credential::Credential;
pub use error::Error;
