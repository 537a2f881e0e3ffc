//! Writes payments into accounting software, each exactly once.
//!
//! A payment and its open write are stored together. [`work`] finds open writes and takes them one by one: [`take`]
//! prepares a write and leases it, [`sending`] does the attempt ([`attempt`]) and stores what follows from it
//! ([`machine`]). A person decides about what the server must not ([`decisions`]).

mod attempt;
mod backoff;
mod comparison;
mod decisions;
mod event;
mod machine;
mod metrics;
mod outcome;
mod preparation;
mod seen;
mod sending;
mod state;
mod store;
mod take;
mod waiting;
mod work;

pub(super) use backoff::jittered;
pub use decisions::{By, DecisionError, Decisions};
pub use metrics::record_open_writes;
pub(super) use outcome::{Health, fault};
pub use seen::{Seen, record_gone, record_seen};
pub(super) use sending::record as record_shown;
pub use store::ListedWrite;
pub use work::{Key, RemoteWrites, Settings};
