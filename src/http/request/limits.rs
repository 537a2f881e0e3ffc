//! Limits on one request, which an operator may configure.

use std::time::Duration;

/// Limits on one request. Limits that are not configurable are constants of their types: texts in
/// [`crate::domain::FreeText`], custom fields in [`crate::domain::FieldMappings`], pages in
/// [`crate::domain::page::Limit`].
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest body, in bytes.
    pub max_body_bytes: usize,
    /// The most line items of a payment.
    pub max_line_items: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}
