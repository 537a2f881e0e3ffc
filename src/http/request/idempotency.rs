//! The header `Idempotency-Key`.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::domain::{IdempotencyKey, ParseError};
use crate::http::problem::error::Error;

/// Extracts the idempotency key, if the client sent one.
#[derive(Debug)]
pub struct Idempotency(pub Option<IdempotencyKey>);

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let refused = |detail| Error::InvalidIdempotencyKey(ParseError::new("invalid_idempotency_key", detail));
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        if values.next().is_some() {
            return Err(refused("the header appears more than once"));
        }
        let not_ascii = |_| refused("an idempotency key may contain visible ASCII characters and spaces only");
        let text = value.to_str().map_err(not_ascii)?;
        text.parse().map(|key| Self(Some(key))).map_err(Error::InvalidIdempotencyKey)
    }
}
