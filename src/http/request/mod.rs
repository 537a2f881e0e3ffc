//! Reading a request: header, query, body. What is read is a value of the domain, or every fault at once.

pub mod cursor;
pub mod diagnostics;
pub mod fields;
mod idempotency;
pub mod json;
mod limits;
pub mod query;

pub use idempotency::Idempotency;
pub use json::JsonBody;
pub use limits::Limits;
pub use query::Query;
