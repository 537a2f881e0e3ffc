//! The problem types of payments, beyond those of HTTP itself.

use crate::http::problem::types::problem_types;

problem_types! {
    PAYMENT_NOT_FOUND: NOT_FOUND, "payment_not_found", "No such payment";
    REJECTED_BY_SOFTWARE: UNPROCESSABLE_ENTITY, "rejected_by_software", "Refused by the connected software";
    IDEMPOTENCY_KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency key used for another request";
}
