//! The problem types of events and webhook endpoints, beyond those of HTTP itself.

use crate::http::problem::types::problem_types;

problem_types! {
    INVALID_SIGNATURE: BAD_REQUEST, "invalid_signature", "Invalid signature";
    WEBHOOK_NOT_FOUND: NOT_FOUND, "webhook_not_found", "No such webhook endpoint";
    EVENT_NOT_FOUND: NOT_FOUND, "event_not_found", "No such event";
    WEBHOOK_CHANGED: CONFLICT, "webhook_changed", "Webhook endpoint changed at the same time";
    TOO_MANY_WEBHOOKS: CONFLICT, "too_many_webhooks", "Too many webhook endpoints";
    TOO_MANY_REPLAYS: CONFLICT, "too_many_replays", "Too many replays are under way";
    NO_SEALING_KEYS: CONFLICT, "no_sealing_keys", "Server without sealing keys";
    EVENTS_EXPIRED: GONE, "events_expired", "Events after the cursor were removed";
}
