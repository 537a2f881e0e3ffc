//! The problem types of events and webhook endpoints, beyond those of HTTP itself.

use crate::http::problem::types::problem_types;

problem_types! {
    EVENTS_EXPIRED: GONE, "events_expired", "Events after the cursor were removed";
}
