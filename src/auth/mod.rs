//! Who is calling, and for whom.
//!
//! A handler of the accounting API cannot reach the database by itself. It asks for [`CanRead`] or [`CanWrite`], and
//! what it gets with it, a [`Scope`], is the only way to the rows of the one connection that the caller may touch. A
//! handler that forgets to authorize cannot be written.

mod cache;
mod caller;
mod error;
mod gate;
mod last_used;
mod look_ups;
mod retries;
mod revocations;
mod scope;
pub mod secret;
mod store;
mod throttle;

pub use caller::{CanRead, CanWrite};
pub use error::Error;
pub use gate::Gate;
pub use scope::{Operator, Scope, Scoped};
pub use secret::Secret;
pub use throttle::Throttle;
