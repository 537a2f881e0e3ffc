//! Grants: the right to touch rows, as a value. Store functions demand one. Only authentication makes a [`Scope`], only
//! the command line an [`Operator`], and only the start of the server a [`Worker`].

mod operator;
mod scope;
mod worker;

pub use operator::{Operator, OperatorTransaction};
pub use scope::{Scope, Scoped};
pub use worker::{JobScope, JobTransaction, Worker};
