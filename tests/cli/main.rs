//! The built binary, used as a person or a script uses it.

#[path = "../support/mod.rs"]
mod support;

mod administration;
mod connections;
mod dev;
mod heads;
mod idle_connections;
mod large_answers;
mod link;
mod log_reader;
mod lost_answers;
mod metrics_flood;
mod overload;
mod pooler;
mod process;
mod proxies;
mod requirements;
mod secrets;
mod serve;
mod settings;
mod streams;
mod transactions;
mod trouble;
mod webhooks;
