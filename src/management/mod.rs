//! What an operator manages: projects, their API keys, their connections.

pub mod api_keys;
pub mod connections;
pub mod projects;
