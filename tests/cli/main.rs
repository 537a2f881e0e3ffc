//! The built binary, as a person or a script uses it.

#[path = "../support/mod.rs"]
mod support;

mod console;
mod dev;
mod link;
mod lost_answers;
mod log_reader;
mod overload;
mod pooler;
mod process;
mod secrets;
mod serve;
mod settings;
mod trouble;
