//! Delivers events to webhook endpoints, each at least once.
//!
//! A `step` of an endpoint takes its lease, reads what follows in the feed and which retries are due, sends both, and
//! stores what came of it in one transaction. So a server that is killed in between sends some events a second time, and
//! forgets none. Events of a connection are sent one after the other; one that fails becomes a retry (`schedule`) and
//! does not hold up the later ones. `turns` shares the places of the server between projects, and `slow` frees those of
//! endpoints that do not answer.

pub mod api;
mod attempt;
mod conclusion;
mod deliveries;
mod error;
mod health;
mod metrics;
mod pace;
mod rate;
mod replay;
mod requests;
mod schedule;
mod selection;
mod sending;
mod slow;
mod step;
mod store;
mod target;
mod turns;

pub use attempt::{Attempt, KEPT, Outcome};
pub use deliveries::Deliveries;
pub use error::Error;
pub use metrics::{DURATIONS, record_pending};
pub use requests::{ReplayRequest, has_endpoint};
pub use selection::Selection;
pub use store::{StoredAttempt, attempts, begin, forget, remove_attempts};
