//! The JSON of an endpoint.

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{ConnectionId, EventPattern, FreeText, ProjectId, Warning, WebhookEndpointId, rfc3339};
use crate::webhooks::endpoints::{Endpoint, Endpoints};
use crate::webhooks::signature::{SignatureScheme, SigningSecret};

/// A webhook endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookView {
    /// Assigned by the server.
    #[schema(value_type = Uuid)]
    pub id_webhook_endpoint: WebhookEndpointId,
    /// What people call it.
    #[schema(value_type = Option<String>)]
    endpoint_description: Option<FreeText>,
    /// Where events are sent.
    #[schema(example = "https://example.com/webhooks")]
    url: String,
    /// What signs the events. In full in the answers to create and rotate only, else empty.
    #[schema(example = "")]
    pub secret: String,
    /// The public key that verifies them, with the signature `v1a` only.
    pub public_key: Option<String>,
    /// Until when the secret before this one signs too; null when it does not.
    #[serde(serialize_with = "rfc3339::optional")]
    previous_secret_until: Option<DateTime<Utc>>,
    /// Whether it gets events.
    active: bool,
    /// Why it gets none: `paused`, `gone` (it answered 410) or `failing` (it took none for five days).
    disabled_reason: Option<&'static str>,
    /// Since when.
    #[serde(serialize_with = "rfc3339::optional")]
    disabled_at: Option<DateTime<Utc>>,
    /// The events that it gets: names, or beginnings of names that end in `*`.
    #[schema(value_type = Vec<String>)]
    scope: Vec<String>,
    /// Only the events of this connection; null for all of the project.
    #[schema(value_type = Option<Uuid>)]
    id_connection: Option<ConnectionId>,
    /// `standard` (`data` is an object) or `panora` (a string that holds its JSON).
    #[schema(example = "standard")]
    payload_format: &'static str,
    /// `v1` (HMAC-SHA256) or `v1a` (Ed25519), the schemes of Standard Webhooks.
    #[schema(example = "v1")]
    signature: &'static str,
    /// The project of the API key.
    #[schema(value_type = Uuid)]
    id_project: ProjectId,
    /// When it was created.
    #[serde(serialize_with = "rfc3339::instant")]
    created_at: DateTime<Utc>,
    /// When it was changed last.
    #[serde(serialize_with = "rfc3339::instant")]
    last_update: DateTime<Utc>,
    /// What was ignored, in the answers to create and update.
    warnings: Vec<Warning>,
}

impl WebhookView {
    /// An endpoint without its secret.
    #[must_use]
    pub fn new(project: ProjectId, endpoint: Endpoint, endpoints: &Endpoints) -> Self {
        let secrets = match endpoint.signature_scheme {
            // Where the keys are missing, the list still shows everything else.
            SignatureScheme::V1a => endpoints.secrets(&endpoint).ok(),
            SignatureScheme::V1 => None,
        };
        let previous_until = endpoint.secrets.previous.as_ref().map(|(_, until)| *until);
        Self {
            id_webhook_endpoint: endpoint.id,
            endpoint_description: endpoint.description,
            url: endpoint.url.as_str().to_owned(),
            secret: String::new(),
            public_key: secrets.as_ref().and_then(|secrets| secrets.first()).map(SigningSecret::public_key),
            previous_secret_until: previous_until.filter(|until| endpoints.now() < *until),
            active: endpoint.disabled.is_none(),
            disabled_reason: endpoint.disabled.map(|disabled| disabled.reason.as_str()),
            disabled_at: endpoint.disabled.map(|disabled| disabled.at),
            scope: endpoint.event_types.iter().map(|pattern| EventPattern::as_str(pattern).to_owned()).collect(),
            id_connection: endpoint.connection_id,
            payload_format: endpoint.payload_format.as_str(),
            signature: endpoint.signature_scheme.as_str(),
            id_project: project,
            created_at: endpoint.created_at,
            last_update: endpoint.modified_at,
            warnings: Vec::new(),
        }
    }

    /// The same with its secret, which is shown once.
    #[must_use]
    pub fn with_secret(self, secret: &SigningSecret) -> Self {
        Self { secret: secret.text().expose_secret().to_owned(), ..self }
    }

    /// The same with what was ignored.
    #[must_use]
    pub fn with_warnings(self, warnings: Vec<Warning>) -> Self {
        Self { warnings, ..self }
    }
}
