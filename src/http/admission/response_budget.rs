//! Large answers count against a bound in bytes until they are sent.
//!
//! A client that asks and does not read leaves its answer in the server's memory. API keys share the bound
//! ([`crate::http::limits::fair_share`]). Small answers do not count: their number is bounded by that of the connections. An answer
//! that reads is refused when there is no room for it. One that says what was written must not be refused then, so its
//! room is taken before anything is written ([`crate::http::request::json`]).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};

use crate::http::limits::fair_share::Share;

/// The bytes of all large answers that are not sent yet: some 30 of the largest pages. Keys that hold less than their
/// equal share have half as much in reserve.
pub const ANSWER_BYTES: usize = 64 * 1_024 * 1_024;
/// The bytes from which on an answer is large.
pub const LARGE: usize = 16 * 1_024;

/// The length of an answer's body, where it counts.
pub(super) fn large(response: &Response) -> Option<usize> {
    let bytes = response.body().size_hint().lower();
    usize::try_from(bytes).ok().filter(|&bytes| bytes >= LARGE)
}

/// The answer, which holds `share` until its last byte is sent.
pub(super) fn holding(response: Response, share: Share) -> Response {
    let share = Arc::new(share);
    response.map(|body| Body::new(Counted { body, share }))
}

/// A body that holds its share.
struct Counted {
    body: Body,
    share: Arc<Share>,
}

/// Bytes that hold it as well: the connection keeps them when it has let go of the body.
struct CountedBytes {
    bytes: Bytes,
    _share: Arc<Share>,
}

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let share = &self.share;
        frame.map_ok(|frame| {
            frame.map_data(|bytes| Bytes::from_owner(CountedBytes { bytes, _share: Arc::clone(share) }))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
