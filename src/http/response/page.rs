//! Pages of a list.

use serde::Serialize;
use utoipa::ToSchema;

/// One page of a list. All three members are always present (contract §1.8).
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Leads to the page before; null at the beginning of the list.
    pub prev_cursor: Option<String>,
    /// Leads to the page after; null at the end of the list, and only there.
    pub next_cursor: Option<String>,
    /// The entries, in the order that was asked for. With filters a page may have fewer than `limit`, even none, before the list ends.
    pub data: Vec<T>,
}
