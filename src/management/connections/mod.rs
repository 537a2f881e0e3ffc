//! Connections: for whom a call is made. Created at the command line, never over HTTP.

mod connection;
mod create;
mod provider;
mod store;

pub use connection::Connection;
pub use create::{NewConnection, create};
pub use provider::Provider;
pub use store::{list, revoke};
