//! Connections: for whom a call is made, and the accounting software behind them. Created at the command line, never over
//! HTTP.

mod access;
mod check;
mod connection;
mod create;
mod kept;
mod provider;
mod reseal;
mod software;
mod store;
mod update;
mod view;

pub use access::{Access, NoAccess};
pub use check::{CREDENTIALS_REFUSED, SoftwareError, check, setup};
pub use connection::{Connection, SoftwareDetails};
pub use create::{NewConnection, NewSoftware, create};
pub use provider::Provider;
pub use reseal::{MissingKey, Resealed, missing_keys, reseal};
pub use software::{Software, SoftwareStatus};
pub use store::{Record, find, list, pause, record_health, resume, revoke, software};
pub use update::{Changes, update};
pub use view::{ConnectionView, view};
