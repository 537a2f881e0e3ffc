//! A row as an endpoint.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db;
use crate::domain::{ConnectionId, WebhookEndpointId};
use crate::webhooks::endpoints::{Disabled, Endpoint, SealedSecrets};

/// An endpoint as the database returns it.
pub struct Row {
    pub id: Uuid,
    pub url: String,
    pub description: Option<String>,
    pub event_types: Vec<String>,
    pub connection_id: Option<Uuid>,
    pub payload_format: String,
    pub signature_scheme: String,
    pub secret: Vec<u8>,
    pub previous_secret: Option<Vec<u8>>,
    pub previous_secret_until: Option<DateTime<Utc>>,
    pub disabled_reason: Option<String>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub modified_at: DateTime<Utc>,
}

impl Row {
    pub fn endpoint(self) -> Result<Endpoint, sqlx::Error> {
        let event_types = self.event_types.iter().map(|pattern| pattern.parse());
        let reason = self.disabled_reason.map(|reason| reason.parse()).transpose().map_err(db::corrupt_row)?;
        Ok(Endpoint {
            id: WebhookEndpointId(self.id),
            url: self.url.parse().map_err(db::corrupt_row)?,
            description: self.description.map(|text| text.parse()).transpose().map_err(db::corrupt_row)?,
            event_types: event_types.collect::<Result<_, _>>().map_err(db::corrupt_row)?,
            connection_id: self.connection_id.map(ConnectionId),
            payload_format: self.payload_format.parse().map_err(db::corrupt_row)?,
            signature_scheme: self.signature_scheme.parse().map_err(db::corrupt_row)?,
            secrets: SealedSecrets {
                current: self.secret,
                previous: self.previous_secret.zip(self.previous_secret_until),
            },
            disabled: reason.zip(self.disabled_at).map(|(reason, at)| Disabled { reason, at }),
            created_at: self.created_at,
            modified_at: self.modified_at,
        })
    }
}
