//! Writes responses: pages of lists, static assets.

pub mod asset;
pub mod page;
