//! `POST /webhooks/verifyEvent`

use std::str::FromStr;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::auth::{self, CanInProject, FailedAuthentications, WebhooksRead};
use crate::domain::ParseError;
use crate::http::problem::{Failure, Problem};
use crate::http::request::fields::Fields;
use crate::http::request::json::FromJson;
use crate::http::request::{JsonBody, Limits};
use crate::webhooks::problems;
use crate::webhooks::signature::verify_panora;

/// A delivery that is to be verified.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "the document describes what `Fields` reads")]
pub struct EventVerification {
    /// The body of the delivery.
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
    /// Its header `Panora-Signature`.
    signature: String,
    /// The secret of the endpoint.
    #[schema(example = "whsec_…")]
    secret: String,
}

/// What is verified.
#[derive(Debug)]
pub struct Verification {
    payload: Box<RawValue>,
    signature: Text,
    secret: Text,
}

/// Any text. A wrong one only has another signature.
#[derive(Debug)]
struct Text(SecretString);

impl FromStr for Text {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Ok(Self(text.into()))
    }
}

/// `None` only beside errors, with which the request is refused.
impl FromJson for Option<Verification> {
    fn read(fields: &mut Fields<'_, '_, '_>, _: &Limits) -> Self {
        fields.require("payload", "send the body of the delivery");
        fields.require("signature", "send the delivery's `Panora-Signature`");
        fields.require("secret", "send the secret of the endpoint");
        let (payload, signature, secret) = (fields.object("payload"), fields.text("signature"), fields.text("secret"));
        Some(Verification { payload: payload?, signature: signature?, secret: secret? })
    }

    fn response_bytes(&self, body_bytes: usize) -> usize {
        body_bytes
    }
}

/// Why a delivery is not known to come from this server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The signature is not the one that the secret makes of the payload.
    #[error("the signature is not that of the payload")]
    Invalid {
        /// Whether it is a signature of Standard Webhooks.
        is_standard: bool,
    },
    /// The address has sent too many of these.
    #[error(transparent)]
    TooMany(#[from] auth::Error),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let detail = match self {
            Self::TooMany(error) => return error.into_response(),
            Self::Invalid { is_standard: true } => {
                "This is a value of `webhook-signature`, which also covers `webhook-id`, `webhook-timestamp` and the raw \
                 body. Verify it with a library of Standard Webhooks, or send the value of `Panora-Signature`."
            }
            Self::Invalid { is_standard: false } => {
                "The signature is not the one that this secret makes of `payload.data`. Do not trust the event."
            }
        };
        Failure::respond(Problem::new(&problems::INVALID_SIGNATURE, detail), self)
    }
}

/// Verifies the `Panora-Signature` of a delivery, as existing client libraries have the server do it.
///
/// The secret is neither stored nor logged. A library of Standard Webhooks verifies deliveries without a call.
#[utoipa::path(
    post, path = "/webhooks/verifyEvent", tag = "webhooks", operation_id = "verify_event",
    request_body = EventVerification,
    responses((status = 201, description = "The payload, which this server has signed", body = serde_json::Value)),
    security(("api_key" = ["webhooks:read"])),
)]
pub async fn verify_event(
    _: CanInProject<WebhooksRead>,
    failures: FailedAuthentications,
    JsonBody { value, .. }: JsonBody<Option<Verification>>,
) -> Result<(StatusCode, Json<Box<RawValue>>), Error> {
    let Some(Verification { payload, signature: Text(signature), secret: Text(secret) }) = value else {
        // A body from which nothing could be read was refused before.
        return Err(Error::Invalid { is_standard: false });
    };
    let signature = signature.expose_secret();
    if data(&payload).is_some_and(|data| verify_panora(&secret, data, signature)) {
        return Ok((StatusCode::CREATED, Json(payload)));
    }
    failures.count()?;
    Err(Error::Invalid { is_standard: signature.starts_with("v1,") || signature.starts_with("v1a,") })
}

/// What is signed of a payload.
fn data(payload: &RawValue) -> Option<&RawValue> {
    #[derive(Deserialize)]
    struct Payload<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    serde_json::from_str::<Payload<'_>>(payload.get()).ok().map(|payload| payload.data)
}
