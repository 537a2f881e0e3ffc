//! A response of unknown length: its socket is busy until it has ended.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};

/// Calls `ended` when the response is ready, or, where its length is not known, when hyper has dropped its body: that is
/// after the last byte, or when the client is gone.
pub fn when_ended(response: Response, ended: impl FnOnce() + Send + 'static) -> Response {
    if response.body().size_hint().exact().is_some() {
        ended();
        return response;
    }
    response.map(|body| Body::new(StreamedBody { body, ended: Some(ended) }))
}

struct StreamedBody<F: FnOnce()> {
    body: Body,
    ended: Option<F>,
}

// Nothing here is pinned.
impl<F: FnOnce()> Unpin for StreamedBody<F> {}

impl<F: FnOnce()> HttpBody for StreamedBody<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<F: FnOnce()> Drop for StreamedBody<F> {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            ended();
        }
    }
}
