//! The shell: how the product talks HTTP, whatever it talks about.

pub mod docs;
pub mod drain;
pub mod error;
pub mod fields;
pub mod health;
pub mod idempotency;
pub mod json;
pub mod layers;
pub mod log_error;
pub mod metrics;
pub mod observe;
pub mod page;
pub mod pointer;
pub mod problem;
pub mod problem_types;
pub mod query;
pub mod report;
pub mod request_id;

pub use error::Error;
pub use idempotency::Idempotency;
pub use json::JsonBody;
pub use query::Query;
