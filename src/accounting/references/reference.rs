//! What an object of the accounting software is here.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::domain::{ReferenceId, RemoteId};

/// An object as it was last read from the software.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Made of the connection, the resource and the remote id ([`crate::domain::references::Resource::id`]).
    pub id: ReferenceId,
    /// Its id in the software.
    pub remote_id: RemoteId,
    /// Its members as they are answered.
    pub fields: Box<RawValue>,
    /// The software's own record.
    pub remote_data: Box<RawValue>,
    /// When it last changed there.
    pub remote_updated_at: Option<DateTime<Utc>>,
    /// Whether it is gone there.
    pub remote_was_deleted: bool,
    /// When it was first read.
    pub created_at: DateTime<Utc>,
    /// When a member last changed here.
    pub modified_at: DateTime<Utc>,
}

impl Reference {
    /// Its members as their type.
    ///
    /// # Errors
    /// When they are of another resource.
    pub fn fields<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.fields.get())
    }
}
