//! The body of a request: bytes → well-formed JSON → a value of the domain, or all errors at once.

use axum::body::Body;
use axum::extract::{FromRef, FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use serde_json::value::RawValue;

use super::diagnostics::Diagnostics;
use super::fields::Fields;
use super::limits::Limits;
use super::value::Value;
use crate::domain::Warning;
use crate::http::admission::{Admission, BodyRoom};
use crate::http::problem::error::Error;

/// A value that can be read from a JSON body. Each resource implements it in its `body.rs`.
pub trait FromJson: Sized {
    /// Takes the members that it knows out of `fields`, which collects their errors.
    fn read(fields: &mut Fields<'_, '_, '_>, limits: &Limits) -> Self;

    /// An estimate, in bytes, of the response that shows this value, whose body has `body_bytes`.
    fn response_bytes(&self, body_bytes: usize) -> usize;
}

/// Extracts a JSON body as `T`, with its warnings.
#[derive(Debug)]
pub struct JsonBody<T> {
    /// The value. A body with errors is refused before.
    pub value: T,
    /// Parts that were ignored, and assumptions that were made.
    pub warnings: Vec<Warning>,
    /// The length of the body, in bytes.
    pub bytes: usize,
}

impl<T, S> FromRequest<S> for JsonBody<T>
where
    T: FromJson,
    S: Send + Sync,
    Limits: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let limits = Limits::from_ref(state);
        require_plain_json(request.headers())?;
        let admission = Admission::of(request.extensions());
        // The room is returned when the body is parsed.
        let (bytes, _room) = collect(request.into_body(), &limits, admission.as_ref()).await?;
        if let Some(admission) = &admission {
            admission.enter()?;
        }
        let body: Self = parse(&bytes, &limits)?;
        if let Some(admission) = &admission {
            admission.reserve_response(body.value.response_bytes(body.bytes))?;
        }
        Ok(body)
    }
}

/// A call whose body may be left out. An empty one counts as none.
impl<T, S> OptionalFromRequest<S> for JsonBody<T>
where
    T: FromJson,
    S: Send + Sync,
    Limits: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Error> {
        if axum::body::HttpBody::is_end_stream(request.body()) {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

/// Refuses form and text bodies (they once became empty payments, contract §3) and compressed ones, whose size is unknown
/// until they are decompressed.
fn require_plain_json(headers: &HeaderMap) -> Result<(), Error> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    let media_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim_end();
    if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
        return Err(Error::UnsupportedMediaType("Send the header `Content-Type: application/json`."));
    }
    // The header may appear more than once.
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if !encodings.all(|encoding| encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity")) {
        return Err(Error::CompressedBody);
    }
    Ok(())
}

/// Reads the bytes of a body and takes room for them as they arrive. A length that is only announced takes no room.
async fn collect(
    mut body: Body,
    limits: &Limits,
    admission: Option<&Admission>,
) -> Result<(Vec<u8>, Option<BodyRoom>), Error> {
    let too_large = || Error::BodyTooLarge { max_bytes: limits.max_body_bytes };
    let announced = axum::body::HttpBody::size_hint(&body).lower();
    if announced > u64::try_from(limits.max_body_bytes).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let mut room = admission.map(Admission::begin_body).transpose()?.flatten();
    let reading = async {
        // One buffer: many small chunks would take many times their length.
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(Error::UnreadableBody)?;
            let Some(data) = frame.data_ref() else { continue };
            if bytes.len() + data.len() > limits.max_body_bytes {
                return Err(too_large());
            }
            if let Some(room) = &mut room {
                room.grow(data.len())?;
            }
            bytes.extend_from_slice(data);
        }
        Ok(bytes)
    };
    let bytes = tokio::time::timeout(limits.body_timeout, reading).await.unwrap_or(Err(Error::BodyTimeout))?;
    Ok((bytes, room))
}

/// Reads a whole body.
///
/// # Errors
/// [`Error::MalformedJson`], or [`Error::InvalidBody`] with all errors.
pub fn parse<T: FromJson>(bytes: &[u8], limits: &Limits) -> Result<JsonBody<T>, Error> {
    if bytes.is_empty() {
        return Err(Error::MalformedJson("The body is empty; send a JSON object.".to_owned()));
    }
    let raw: &RawValue = serde_json::from_slice(bytes)
        .map_err(|error| Error::MalformedJson(format!("The body is not JSON: {error}.")))?;
    let mut diagnostics = Diagnostics::default();
    let value = Fields::read(Value::document(raw, &mut diagnostics), |fields| T::read(fields, limits));
    match value {
        Some(value) if diagnostics.errors.is_empty() => {
            Ok(JsonBody { value, warnings: diagnostics.warnings, bytes: bytes.len() })
        }
        _ => Err(Error::InvalidBody(diagnostics.errors)),
    }
}
