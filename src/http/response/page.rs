//! Pages of a list.

use serde::Serialize;
use utoipa::ToSchema;

/// One page of a list. All three members are always present (contract §1.8).
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The cursor of the previous page; null at the start of the list.
    pub prev_cursor: Option<String>,
    /// The cursor of the next page; null at the end of the list, and only there.
    pub next_cursor: Option<String>,
    /// The entries, in the requested order. With filters, a page before the end of the list may have fewer entries than
    /// `limit`, even none.
    pub data: Vec<T>,
}
