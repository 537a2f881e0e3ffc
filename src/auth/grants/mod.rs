//! Grants: the right to touch rows, as a value. Store functions demand one. Only authentication makes a [`Scope`], only
//! the command line an [`Operator`], and only the start of the server a [`Worker`]. The others come of these.

mod job_scope;
mod operator;
mod project_scope;
mod scope;
mod worker;

pub use job_scope::{JobScope, JobTransaction};
pub use operator::{Operator, OperatorTransaction};
pub use project_scope::{ProjectScope, ProjectTransaction};
pub use scope::{Scope, Scoped};
pub use worker::Worker;
