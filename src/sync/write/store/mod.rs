//! The writes into accounting software, in Postgres.

mod candidates;
mod decision;
mod due;
mod due_on_nodes;
mod end;
mod lease;
mod list;
mod open_writes;
mod seen_before;
mod shown;

use std::time::Duration;

pub use candidates::{Candidate, candidates};
pub use decision::{Decision, WriteRow, decide, read};
pub use due::{DueConnection, due};
pub use end::{Ending, end};
pub use lease::{Lease, LeaseOutcome, NewLease, lease, postpone, renew};
pub use list::{ListedWrite, list, project_of};
pub use open_writes::{OpenWrites, is_open, open_writes};
pub use seen_before::seen_before;

use super::state::State;
use crate::db;
use crate::domain::{ParseError, RemoteId};

/// A duration as a parameter of a statement.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn state(stored: &str) -> Result<State, sqlx::Error> {
    let known = State::ALL.iter().copied().find(|state| state.as_str() == stored);
    known.ok_or_else(|| db::corrupt_row(ParseError::new("unknown_state", "no state of a remote write")))
}

fn remote_ids(stored: Vec<String>) -> Result<Vec<RemoteId>, sqlx::Error> {
    stored.into_iter().map(|id| id.parse().map_err(db::corrupt_row)).collect()
}
