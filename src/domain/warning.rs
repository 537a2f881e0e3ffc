//! What a client may not have meant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something in a request that was accepted but may not be what the client meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// Stable code, listed in `docs/api/payments.md`.
    #[schema(example = "unknown_member")]
    pub code: String,
    /// JSON pointer (RFC 6901) into the body.
    #[schema(example = "/total_amuont")]
    pub pointer: String,
    /// What was ignored or assumed.
    #[schema(example = "`total_amuont` is not a member here and was ignored; did you mean `total_amount`?")]
    pub detail: String,
}
