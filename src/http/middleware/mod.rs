//! The layers around the routes. [`layers`] lists them in order.

pub mod drain;
pub mod layers;
pub mod load_shed;
pub mod log_error;
pub mod log_limit;
pub mod metrics;
pub mod not_found;
pub mod observe;
pub mod probes;
pub mod public_url;
pub mod request_head;
pub mod request_id;
