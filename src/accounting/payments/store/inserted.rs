//! What became of payments that were to be stored.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What became of the rows of an [`insert`](fn@super::insert).
#[derive(Debug)]
pub struct Inserted {
    /// The ids of the payments that are stored now. The idempotency keys of the others are taken, unless `is_late`.
    pub ids: Vec<Uuid>,
    /// Whether the statement reached the database after `not_after`. Then nothing is stored.
    pub is_late: bool,
    /// The database's clock.
    pub clock: DateTime<Utc>,
}
