//! Events arrive at webhook endpoints: real receivers on sockets, the real loop, a real database.

#[path = "../support/mod.rs"]
mod support;

mod calls;
mod changes;
mod changes_beside_steps;
mod connections;
mod faults;
mod isolation;
mod names;
mod order;
mod pressure;
mod receiver;
mod replays;
mod retention;
mod retries;
mod servers;
mod signatures;
mod site;
