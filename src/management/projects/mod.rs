//! Projects: the owners of API keys and connections. Created at the command line, never over HTTP.

mod create;
mod project;
mod store;

pub use create::create;
pub use project::Project;
pub use store::list;
