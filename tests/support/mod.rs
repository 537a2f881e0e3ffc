//! Shared by all tests: one real Postgres for each test binary, one database for each test, the real router.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub mod all_nodes;
pub mod app;
pub mod cluster;
pub mod connected;
pub mod events;
pub mod logs;
pub mod payment_lock;
pub mod pgbouncer;
pub mod postgres;
pub mod references;
pub mod seed;
pub mod signal;
pub mod software;
pub mod tryton;
pub mod wait;
