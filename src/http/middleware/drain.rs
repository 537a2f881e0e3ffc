//! Answers that come before the body was read: the rest of the body must not break the connection.
//!
//! A refusal (401, 404, 415 …) is ready while the client is still sending. Left unread, the body makes the server
//! close the connection unannounced, and the next request of a client that keeps connections fails without an answer,
//! perhaps after a payment was sent on it. So what is left is read to its end, within bounds, or the close is
//! announced.
//!
//! A client that expects "100 Continue" sends its body when somebody begins to read it (RFC 9110 section 10.1.1). So what
//! such a request leaves unread is not read here: the client would be asked for a body that is refused already.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::oneshot;

/// What is read of a body that nobody wants, in bytes: about what is under way on a fast connection.
const MAX_BYTES: usize = 1_048_576;
/// How long it is waited for.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// The layer.
pub async fn drain(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let must_be_asked_for = expects_continue(&request);
    let (on_drop, mut unread) = oneshot::channel();
    let request = request.map(|body| Body::new(RecoverableBody { body, is_begun: false, on_drop: Some(on_drop) }));
    let mut response = next.run(request).await;
    // By now the handler has dropped the body, read or not.
    let Ok(Unread { rest, is_begun }) = unread.try_recv() else { return response };
    let is_sent = is_begun || !must_be_asked_for;
    if !is_sent || !tokio::time::timeout(MAX_WAIT, read_to_end(rest)).await.unwrap_or(false) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether hyper answers "100 Continue" when the body is read.
fn expects_continue(request: &Request) -> bool {
    let mut expectations = request.headers().get_all(header::EXPECT).iter();
    request.version() >= Version::HTTP_11
        && expectations.any(|expectation| expectation.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Tells whether the end was reached.
async fn read_to_end(mut rest: Body) -> bool {
    let mut read = 0;
    while read <= MAX_BYTES {
        match rest.frame().await {
            None => return true,
            Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) => return false,
        }
    }
    false
}

/// What a handler left of a body.
struct Unread {
    rest: Body,
    /// Whether the handler has begun to read it.
    is_begun: bool,
}

/// A body that comes back when it is dropped before its end.
struct RecoverableBody {
    body: Body,
    is_begun: bool,
    on_drop: Option<oneshot::Sender<Unread>>,
}

impl HttpBody for RecoverableBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_begun = true;
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RecoverableBody {
    fn drop(&mut self) {
        if !self.body.is_end_stream()
            && let Some(on_drop) = self.on_drop.take()
        {
            // Nobody waits any more when the client has gone.
            on_drop.send(Unread { rest: std::mem::take(&mut self.body), is_begun: self.is_begun }).ok();
        }
    }
}
