//! Pool: for whom a call is made. Made at the console, never over HTTP.

pub mod connection;
pub mod store;

pub use connection::{Connection, Provider};
