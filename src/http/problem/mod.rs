//! Problem documents (RFC 9457): what a client reads when a request fails.

pub mod document;
mod documented;
pub mod error;
pub mod failure;
pub mod field_error;
pub mod invalid_head;
pub mod pointer;
pub mod types;

pub use document::Problem;
pub use documented::documented;
pub use error::Error;
pub use failure::Failure;
pub use field_error::{FieldError, FieldErrors};
pub use invalid_head::InvalidHead;
pub use types::ProblemType;
