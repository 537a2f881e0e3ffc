//! An endpoint that is ready to be called: its secrets are open.

use axum::body::Bytes;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};

use super::error::Error;
use crate::domain::EventId;
use crate::sealed::SealingKeys;
use crate::webhooks::endpoints::{Endpoint, PayloadFormat, Secrets};
use crate::webhooks::signature::{self, SignatureScheme};

/// Where messages are sent, and how they are signed.
#[derive(Debug)]
pub struct Target {
    /// Where.
    pub url: String,
    format: PayloadFormat,
    scheme: SignatureScheme,
    secrets: Secrets,
}

impl Target {
    /// Opens the secrets of an endpoint that sign at `now`.
    ///
    /// # Errors
    /// [`Error::NoKeys`] or [`Error::Secrets`].
    pub fn open(endpoint: &Endpoint, keys: Option<&SealingKeys>, now: DateTime<Utc>) -> Result<Self, Error> {
        let keys = keys.ok_or(Error::NoKeys)?;
        Ok(Self {
            url: endpoint.url.as_str().to_owned(),
            format: endpoint.payload_format,
            scheme: endpoint.signature_scheme,
            secrets: endpoint.secrets.open(keys, endpoint.id, now)?,
        })
    }

    /// The body of an event in the form that the endpoint wants.
    #[must_use]
    pub fn body(&self, body: &Bytes) -> Bytes {
        self.format.body(body)
    }

    /// The headers of a call with this body.
    #[must_use]
    pub fn headers(&self, id: EventId, timestamp: DateTime<Utc>, body: &[u8]) -> HeaderMap {
        signature::headers(&id.to_string(), timestamp, body, &self.secrets, self.scheme)
    }
}
