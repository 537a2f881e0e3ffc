//! The accounting resources.

pub mod payments;
