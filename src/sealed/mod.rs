//! Secrets that must be read again, such as the password of an accounting program: sealed in the database, open only in
//! memory.
//!
//! Secrets that callers present are hashed instead (`auth`). What is sealed here has to be presented to somebody else.
//! The keys come from the operator and are never in the database, so a copy of the database alone opens nothing.

mod key;
mod keys;

pub use key::{KeyId, generate};
pub use keys::{InvalidKeys, OpenError, SealingKeys, key_id};
