//! The right to touch rows, as a value. Store functions demand one.

mod scope;

pub use scope::{Operator, Scope, Scoped};
