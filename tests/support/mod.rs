//! What the tests stand on: one real Postgres a test binary, one database a test, the real router.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub mod app;
pub mod held;
pub mod logs;
pub mod many;
pub mod pgbouncer;
pub mod postgres;
pub mod signal;
pub mod wait;
