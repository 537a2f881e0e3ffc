//! Reads a request: headers, query, body. The result is a value of the domain, or all errors at once.

pub mod cursor;
pub mod diagnostics;
pub mod fields;
mod hold;
mod idempotency;
pub mod json;
mod limits;
mod path;
mod prefer;
pub mod query;
mod value;

pub use hold::{Deadline, Hold};
pub use idempotency::Idempotency;
pub use json::JsonBody;
pub use limits::Limits;
pub use path::path_id;
pub use prefer::Prefer;
pub use query::Query;
