//! Writes payments into accounting software, and reads what is there. Only this folder brings connectors, payments and
//! connections together.

pub mod api;
pub mod pull;
mod write;

pub use write::{By, DecisionError, Decisions, Key, ListedWrite, RemoteWrites, Settings};
pub use write::{Seen, record_gone, record_open_writes, record_seen};
