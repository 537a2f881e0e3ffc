//! The problem types of synchronization, beyond those of HTTP itself.

use crate::http::problem::types::problem_types;

problem_types! {
    NO_SOFTWARE: CONFLICT, "no_software", "No accounting software behind the connection";
}
