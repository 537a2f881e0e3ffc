//! How an object is answered.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Listed, Reference};
use crate::domain::{FieldMappings, RemoteId, rfc3339};

/// An object: the members of its resource, and what all resources have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reference)]
pub struct ReferenceView<'a, T> {
    #[serde(flatten)]
    members: T,
    /// Made by this server of the connection and the id in the software: the same for ever.
    #[schema(example = "801f9ede-c698-8e66-a7fc-48d19eebaa4f")]
    id: Uuid,
    /// The id in the connected accounting software.
    #[schema(value_type = String, example = "15")]
    remote_id: &'a RemoteId,
    /// The accounting software's own record; null unless `?remote_data=true`.
    #[schema(value_type = Option<Object>, example = json!({"id": 15}))]
    remote_data: &'a RawValue,
    /// Always null.
    #[schema(value_type = Option<Object>)]
    field_mappings: Option<FieldMappings>,
    /// Whether it is gone in the software. Its members are the last that were read.
    remote_was_deleted: bool,
    /// When the software says that it last changed there.
    #[schema(example = "2024-06-15T12:00:00Z")]
    #[serde(serialize_with = "rfc3339::optional")]
    remote_updated_at: Option<DateTime<Utc>>,
    /// When it was first read.
    #[schema(example = "2024-06-15T12:00:00Z")]
    #[serde(serialize_with = "rfc3339::instant")]
    created_at: DateTime<Utc>,
    /// When a member, or the software's own record, last changed here.
    #[schema(example = "2024-06-15T12:00:00Z")]
    #[serde(serialize_with = "rfc3339::instant")]
    modified_at: DateTime<Utc>,
}

impl<'a, T: Listed> ReferenceView<'a, T> {
    /// An object of the resource of `T`.
    ///
    /// # Errors
    /// When its members are of another resource.
    pub fn of(reference: &'a Reference) -> serde_json::Result<Self> {
        Ok(Self {
            members: reference.fields()?,
            id: reference.id.0,
            remote_id: &reference.remote_id,
            remote_data: &reference.remote_data,
            field_mappings: None,
            remote_was_deleted: reference.remote_was_deleted,
            remote_updated_at: reference.remote_updated_at,
            created_at: reference.created_at,
            modified_at: reference.modified_at,
        })
    }
}
