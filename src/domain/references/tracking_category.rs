//! Tracking categories: analytic accounts, cost centres, projects.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::ReferenceId;

/// A tracking category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrackingCategory {
    /// What it is called.
    #[schema(example = "Sales department")]
    pub name: Option<String>,
    /// `Active` or `Archived`.
    #[schema(example = "Active")]
    pub status: Option<String>,
    /// Its kind, in the software's own word.
    pub category_type: Option<String>,
    /// The group that it belongs to.
    #[schema(value_type = Option<Uuid>)]
    pub parent_category: Option<ReferenceId>,
}
