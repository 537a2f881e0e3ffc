//! Writes into accounting software, through a real Postgres. The software is the test's own (`sync/ledger.rs`): it loses
//! answers, doubles payments, locks users out and so on when a test wants it, which no real program does on demand. The
//! tests with real programs are in `remote.rs`.

#[path = "sync/books.rs"]
mod books;
#[path = "sync/decisions.rs"]
mod decisions;
#[path = "sync/events.rs"]
mod events;
#[path = "sync/ledger.rs"]
mod ledger;
#[path = "sync/limits.rs"]
mod limits;
#[path = "sync/outcomes.rs"]
mod outcomes;
mod support;
