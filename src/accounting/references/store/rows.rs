//! Rows become references. A value that does not fit the domain's types was not written by this server: an internal
//! error.
//!
//! Second line of defence: a row of another connection is refused here, even if a query forgot its tenant condition.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use crate::accounting::references::Reference;
use crate::auth::Scope;
use crate::db;
use crate::domain::ReferenceId;

/// An object, its members named like their columns.
#[derive(Debug)]
pub(super) struct ReferenceRow {
    pub connection_id: Uuid,
    pub id: Uuid,
    pub remote_id: String,
    /// `None` when a list left them out, because its page is full.
    pub fields: Option<Json<Box<RawValue>>>,
    /// JSON null when they were not asked for.
    pub remote_data: Json<Box<RawValue>>,
    pub remote_updated_at: Option<DateTime<Utc>>,
    pub remote_was_deleted: bool,
    pub created_at: DateTime<Utc>,
    pub modified_at: DateTime<Utc>,
    /// Whether it passes the filters of a list.
    pub matches: bool,
    /// Whether it is the last row that the list scanned.
    pub is_scan_end: bool,
}

impl ReferenceRow {
    /// The object, if it is the scope's.
    pub(super) fn into_reference(self, scope: &Scope) -> Result<Reference, sqlx::Error> {
        scope.require_own(self.connection_id)?;
        let Some(Json(fields)) = self.fields else {
            return Err(sqlx::Error::Decode("a query left out the members of an object".into()));
        };
        Ok(Reference {
            id: ReferenceId(self.id),
            remote_id: self.remote_id.parse().map_err(db::corrupt_row)?,
            fields,
            remote_data: self.remote_data.0,
            remote_updated_at: self.remote_updated_at,
            remote_was_deleted: self.remote_was_deleted,
            created_at: self.created_at,
            modified_at: self.modified_at,
        })
    }
}
