//! Who is calling, and for whom.
//!
//! A handler of the accounting API cannot reach the database by itself. It takes [`Can`] with the API key scope that its
//! callers need, for example `Can<PaymentsRead>`. That holds a [`Scope`], the only way to the rows of the one connection
//! that the caller may touch. So a handler that forgets to authorize does not compile.

mod authenticator;
mod caller;
mod credentials;
mod error;
mod failures;
mod grants;
pub mod problems;
mod required_scope;
mod retries;
mod revalidation;
mod throttle;

pub use authenticator::Authenticator;
pub use caller::{Can, CanInProject};
pub use credentials::{Secret, secret};
pub use error::Error;
pub use failures::FailedAuthentications;
pub use grants::{
    JobScope, JobTransaction, Operator, OperatorTransaction, ProjectScope, ProjectTransaction, Scope, Scoped, Worker,
};
pub use required_scope::{
    AccountingRead, ConnectionsRead, ConnectionsWrite, PaymentsRead, PaymentsWrite, RequiredScope, WebhooksRead,
    WebhooksWrite,
};
pub use revalidation::Revalidation;
pub use throttle::Throttle;
