//! The accounting resources.

pub mod payments;
pub mod references;
