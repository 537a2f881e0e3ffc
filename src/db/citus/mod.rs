//! A database that Citus has distributed over several nodes, by connection (`docs/scaling.md`).

mod distribute;

pub(super) use distribute::{distribute, distribute_new_tables};
