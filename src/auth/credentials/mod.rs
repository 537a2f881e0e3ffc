//! API keys and connection tokens: their form, and their look-up.

pub(super) mod cache;
pub(super) mod last_used;
pub(super) mod revocations;
pub mod secret;
pub(super) mod single_flight;
pub(super) mod store;

pub use secret::Secret;
