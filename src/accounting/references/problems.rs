//! The problem types of references, beyond those of HTTP itself.

use crate::http::problem::types::problem_types;

problem_types! {
    REFERENCE_NOT_FOUND: NOT_FOUND, "reference_not_found", "No such object of the accounting software";
}
