//! Signatures, by which a receiver knows that an event came from this server.
//!
//! Each delivery carries two: the one of Standard Webhooks 1.0 over the raw body, which libraries in many languages
//! verify, and the one of an older product over the canonical form of `data`, which its client libraries verify.

mod check;
mod headers;
mod jcs;
mod panora;
mod scheme;
mod secret;

pub use check::{Fault, VerifyingKey};
pub use headers::{ID, SIGNATURE, TIMESTAMP, headers};
pub use panora::{HEADER as PANORA_SIGNATURE, verify as verify_panora};
pub use scheme::SignatureScheme;
pub use secret::{InvalidSecret, SigningSecret};
