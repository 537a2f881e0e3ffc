//! The log of what has changed: a feed for each project, that a reader follows without gaps.
//!
//! A change is announced in its own transaction, as a row of the outbox. [`sequence`] gives positions to what is
//! committed, when somebody wants to read it. So a project that nobody reads costs one row for each batch of payments,
//! and a transaction that commits late gets a later position, which no reader has passed (docs/decisions/024).

mod changes;
mod event;
mod store;

pub use changes::{Changes, Subscriber};
pub use event::{CreatedConnection, Event, Filter, Page, Sequenced};
pub use store::{
    announce, announce_connection, append, created_connections, expire, find, first_since, is_expired, last_position,
    projects, read, sequence,
};
