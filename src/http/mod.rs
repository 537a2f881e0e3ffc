//! The shell: how the product talks HTTP, whatever it talks about.

pub mod admission;
pub mod asset;
pub mod client_address;
pub mod connections;
pub mod cursor;
pub mod docs;
pub mod docs_page;
pub mod drain;
pub mod error;
pub mod fair_share;
pub mod fields;
pub mod health;
pub mod idempotency;
pub mod idle_connections;
pub mod json;
pub mod layers;
pub mod load_shed;
pub mod log_error;
pub mod log_limit;
pub mod metrics;
pub mod observe;
pub mod page;
pub mod patience;
pub mod pointer;
pub mod problem;
pub mod problem_types;
pub mod query;
pub mod rate_limit;
pub mod report;
pub mod request_id;

pub use error::Error;
pub use idempotency::Idempotency;
pub use json::JsonBody;
pub use query::Query;
