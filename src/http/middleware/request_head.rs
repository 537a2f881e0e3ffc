//! The layer that refuses a request for its head; see [`crate::http::problem::InvalidHead`].

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::problem::{Error, InvalidHead};

/// The layer. A refused head ends its connection: where the next request begins is not certain.
pub async fn refuse_invalid_head(request: Request, next: Next) -> Response {
    let Some(&fault) = request.extensions().get::<InvalidHead>() else {
        return next.run(request).await;
    };
    let mut response = Error::InvalidHead(fault).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
