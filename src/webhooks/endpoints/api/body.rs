//! What the bodies of create and update calls mean.
#![expect(clippy::redundant_closure_for_method_calls, reason = "a method's own lifetimes are not general enough")]

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::EventPattern;
use crate::http::request::Limits;
use crate::http::request::fields::Fields;
use crate::http::request::json::FromJson;
use crate::webhooks::endpoints::{EndpointChanges, NewEndpoint};

/// The most names of events of an endpoint.
const MAX_EVENT_TYPES: usize = 100;
/// The bytes of an answer that shows no text of the body.
const EMPTY_ANSWER: usize = 1_024;

/// A new webhook endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "the document describes what `Fields` reads")]
pub struct WebhookBody {
    /// Where events are sent: https, without user, password and fragment.
    #[schema(example = "https://example.com/webhooks")]
    url: String,
    /// The events that it gets: names, or beginnings of names that end in `*`; `["*"]` for all.
    #[schema(example = json!(["accounting.payment.*"]))]
    scope: Vec<String>,
    /// What to call it.
    description: Option<String>,
    /// Only the events of this connection.
    id_connection: Option<Uuid>,
    /// `standard` (the default: `data` is an object) or `panora` (a string that holds its JSON).
    payload_format: Option<String>,
    /// `v1` (the default: HMAC-SHA256) or `v1a` (Ed25519), the schemes of Standard Webhooks.
    signature: Option<String>,
}

/// What is changed of a webhook endpoint. Absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "the document describes what `Fields` reads")]
pub struct WebhookChanges {
    /// Whether it gets events; `true` also ends what the server disabled.
    active: Option<bool>,
    /// Where events are sent.
    url: Option<String>,
    /// The events that it gets.
    scope: Option<Vec<String>>,
    /// What to call it; empty for nothing.
    description: Option<String>,
    /// `standard` or `panora`.
    payload_format: Option<String>,
    /// `v1` or `v1a`.
    signature: Option<String>,
}

/// `None` only beside errors, with which the request is refused.
impl FromJson for Option<NewEndpoint> {
    fn read(fields: &mut Fields<'_, '_, '_>, _: &Limits) -> Self {
        fields.require("url", "without it nothing could be sent");
        fields.require("scope", r#"name the events, like ["accounting.payment.*"], or ["*"] for all"#);
        let (url, event_types) = (fields.text("url"), event_types(fields));
        let description = fields.text("description");
        let connection_id = fields.text("id_connection");
        let (payload_format, signature_scheme) = (fields.text("payload_format"), fields.text("signature"));
        Some(NewEndpoint {
            url: url?,
            description,
            event_types: event_types?,
            connection_id,
            payload_format: payload_format.unwrap_or_default(),
            signature_scheme: signature_scheme.unwrap_or_default(),
        })
    }

    fn response_bytes(&self, body_bytes: usize) -> usize {
        body_bytes + EMPTY_ANSWER
    }
}

impl FromJson for EndpointChanges {
    fn read(fields: &mut Fields<'_, '_, '_>, _: &Limits) -> Self {
        Self {
            active: fields.boolean("active"),
            url: fields.text("url"),
            description: fields.text("description"),
            event_types: event_types(fields),
            payload_format: fields.text("payload_format"),
            signature_scheme: fields.text("signature"),
        }
    }

    fn response_bytes(&self, body_bytes: usize) -> usize {
        body_bytes + EMPTY_ANSWER
    }
}

fn event_types(fields: &mut Fields<'_, '_, '_>) -> Option<Vec<EventPattern>> {
    fields.filled_list("scope", MAX_EVENT_TYPES, |pattern| pattern.text())
}
