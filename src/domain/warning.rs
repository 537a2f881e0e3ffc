//! Warnings about accepted requests.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of a request that was accepted but may not mean what the client intended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// Stable code, listed in `docs/api/payments.md`.
    #[schema(example = "unknown_member")]
    pub code: String,
    /// JSON pointer (RFC 6901) into the body.
    #[schema(example = "/total_amuont")]
    pub pointer: String,
    /// What was ignored or assumed.
    #[schema(example = "`total_amuont` is not a known member and was ignored; did you mean `total_amount`?")]
    pub detail: String,
}
