//! The API, through the real router on a real database. The modules follow the URLs.

#[path = "../support/mod.rs"]
mod support;

mod accounting;
mod callers;
mod database_failures;
mod docs;
mod event_log;
mod events;
mod health;
mod list_sessions;
mod logs;
mod rate_limits;
mod revocation;
mod shell;
mod stored_secrets;
mod sync;
mod webhooks;
