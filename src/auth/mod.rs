//! Who is calling, and for whom.
//!
//! A handler of the accounting API cannot reach the database by itself. It asks for [`CanRead`] or [`CanWrite`], and
//! what it gets with it, a [`Scope`], is the only way to the rows of the one connection that the caller may touch. A
//! handler that forgets to authorize cannot be written.

mod authenticator;
mod caller;
mod credentials;
mod error;
mod grants;
pub mod problems;
mod retries;
mod throttle;

pub use authenticator::Authenticator;
pub use caller::{CanRead, CanWrite};
pub use credentials::{Secret, secret};
pub use error::Error;
pub use grants::{Operator, Scope, Scoped};
pub use throttle::Throttle;
