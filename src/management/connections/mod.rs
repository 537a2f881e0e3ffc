//! Connections: for whom a call is made, and the accounting software behind them. Created at the command line, never over
//! HTTP.

mod access;
mod connection;
mod create;
mod provider;
mod software;
mod store;

pub use access::{Access, NoAccess};
pub use connection::{Connection, SoftwareDetails};
pub use create::{NewConnection, NewSoftware, create};
pub use provider::Provider;
pub use software::{Software, SoftwareStatus};
pub use store::{Record, find, list, record_health, revoke, software};
