//! The layer that refuses requests with an invalid head; see [`crate::http::problem::InvalidHead`].

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::problem::{Error, InvalidHead};

/// The layer. After an invalid head the socket is closed, because it is not certain where the next request starts.
pub async fn refuse_invalid_head(request: Request, next: Next) -> Response {
    let Some(&error) = request.extensions().get::<InvalidHead>() else {
        return next.run(request).await;
    };
    let mut response = Error::InvalidHead(error).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
