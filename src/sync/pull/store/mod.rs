//! Pulls in Postgres: when they are due, how far they are, and the objects that they read.

mod changes;
mod objects;
mod payments;
mod progress;
mod requests;
mod schedule;

pub use objects::{Known, Range, Read, known, mark_gone, upsert};
pub use payments::{GonePayment, KnownPayment, Link, gone_payments, known_payments, link, mark_payments_gone, written};
pub use progress::{Progress, advance, begin, fail, finish, progress, progress_of_many};
pub use requests::{Requested, connections, request};
pub use schedule::{Lease, due, enroll, keep, lease, next_pull, release, wait_for_page};

use std::time::Duration;

/// A duration as a parameter of a statement.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
