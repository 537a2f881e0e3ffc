//! The problem types of authentication, beyond those of HTTP itself.

use crate::http::problem::types::problem_types;

problem_types! {
    READ_ONLY_KEY: FORBIDDEN, "read_only_key", "Read-only API key";
    MISSING_SCOPE: FORBIDDEN, "missing_scope", "Missing API key scope";
}
