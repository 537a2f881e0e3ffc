//! What an endpoint is.

use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::{EndpointUrl, PayloadFormat, SealedSecrets};
use crate::domain::{ConnectionId, EventPattern, FreeText, ParseError, WebhookEndpointId};
use crate::events::Filter;
use crate::webhooks::signature::SignatureScheme;

/// An endpoint of a project.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Assigned by the server.
    pub id: WebhookEndpointId,
    /// Where events are sent.
    pub url: EndpointUrl,
    /// What people call it.
    pub description: Option<FreeText>,
    /// The events that it gets.
    pub event_types: Vec<EventPattern>,
    /// Only the events of this connection; `None` for all of the project.
    pub connection_id: Option<ConnectionId>,
    /// The form of bodies.
    pub payload_format: PayloadFormat,
    /// How bodies are signed.
    pub signature_scheme: SignatureScheme,
    /// What signs them.
    pub secrets: SealedSecrets,
    /// Why it gets no events; `None` while it gets them.
    pub disabled: Option<Disabled>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub modified_at: DateTime<Utc>,
}

impl Endpoint {
    /// Whether it gets events.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.disabled.is_none()
    }

    /// The events that are for it.
    #[must_use]
    pub fn filter(&self) -> Filter {
        Filter { connection_id: self.connection_id, patterns: self.event_types.clone(), created_after: None }
    }
}

/// That an endpoint gets no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled {
    /// Why.
    pub reason: DisabledReason,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// Why an endpoint gets no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledReason {
    /// A person paused it.
    Paused,
    /// It answered 410.
    Gone,
    /// It took no event for days.
    Failing,
}

impl DisabledReason {
    /// Its name, as clients and the database write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

impl FromStr for DisabledReason {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let known = [Self::Paused, Self::Gone, Self::Failing].into_iter().find(|reason| reason.as_str() == text);
        known.ok_or_else(|| ParseError::new("unknown_value", "no such reason"))
    }
}
