//! Grants: the right to touch rows, as a value. Store functions demand one. Only authentication makes a [`Scope`], and
//! only the command line an [`Operator`].

mod operator;
mod scope;

pub use operator::{Operator, OperatorTransaction};
pub use scope::{Scope, Scoped};
