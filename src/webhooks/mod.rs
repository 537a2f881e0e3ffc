//! Webhooks: events are sent to the endpoints of a project.

pub mod signature;
