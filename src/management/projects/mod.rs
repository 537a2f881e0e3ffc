//! Projects: whoever owns API keys and connections. Made at the console, never over HTTP.

pub mod project;
pub mod store;

pub use project::Project;
