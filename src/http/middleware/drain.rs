//! Drains the rest of a body when the response is ready before the body was read.
//!
//! An error (401, 404, 415 …) is ready while the client is still sending. With an unread body the server would close the
//! socket without notice. The next request of a client that reuses the socket would then fail without a response, and
//! the client could not know whether it had an effect. So the rest is read within bounds, or the response announces the
//! close.
//!
//! A client with "Expect: 100-continue" sends its body when the server starts to read it (RFC 9110 section 10.1.1). The
//! unread body of such a request is not drained: that would ask the client for a body that is refused already.

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

/// The most bytes that are drained: about what is in flight on a fast network.
const MAX_BYTES: usize = 1_048_576;
/// How long draining may take.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// The layer.
pub async fn drain(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let waits_for_continue = expects_continue(&request);
    let (on_drop, mut unread) = oneshot::channel();
    let request = request.map(|body| Body::new(RecoverableBody { body, is_started: false, on_drop: Some(on_drop) }));
    let mut response = next.run(request).await;
    // The handler has dropped the body by now, read or not.
    let Ok(Unread { rest, is_started }) = unread.try_recv() else { return response };
    let is_sent = is_started || !waits_for_continue;
    if !is_sent || !tokio::time::timeout(MAX_WAIT, read_to_end(rest)).await.unwrap_or(false) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether hyper sends "100 Continue" when the body is read.
fn expects_continue(request: &Request) -> bool {
    let mut expectations = request.headers().get_all(header::EXPECT).iter();
    request.version() >= Version::HTTP_11
        && expectations.any(|expectation| expectation.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Returns whether the end was reached.
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

/// The rest of a body that a handler dropped.
struct Unread {
    rest: Body,
    /// Whether the handler started to read it.
    is_started: bool,
}

/// A body that is sent back when it is dropped before its end.
struct RecoverableBody {
    body: Body,
    is_started: bool,
    on_drop: Option<oneshot::Sender<Unread>>,
}

impl HttpBody for RecoverableBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_started = true;
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
            // The receiver is gone when the client has disconnected.
            on_drop.send(Unread { rest: std::mem::take(&mut self.body), is_started: self.is_started }).ok();
        }
    }
}
