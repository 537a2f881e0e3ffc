//! Large responses count against a bound in bytes until they are sent.
//!
//! A client that does not read keeps its response in the server's memory. API keys share the bound
//! ([`crate::http::limits::fair_share`]). Small responses do not count: the number of client connections bounds them. A
//! response to a read is refused when no room is left. A response to a write cannot be refused after the write, so
//! [`crate::http::request::json`] takes its room before.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};

use crate::http::limits::fair_share::Share;

/// The bytes of all large responses that are not sent yet: about 30 of the largest pages. Keys below their equal share
/// have half as much in reserve.
pub const RESPONSE_BYTES: usize = 64 * 1_024 * 1_024;
/// The size from which on a response is large, in bytes.
pub const LARGE: usize = 16 * 1_024;

/// The length of a response's body if it is large.
pub(super) fn large_body_bytes(response: &Response) -> Option<usize> {
    let bytes = response.body().size_hint().lower();
    usize::try_from(bytes).ok().filter(|&bytes| bytes >= LARGE)
}

/// The response, which holds `share` until its last byte is sent.
pub(super) fn hold_until_sent(response: Response, share: Share) -> Response {
    let share = Arc::new(share);
    response.map(|body| Body::new(BudgetedBody { body, share }))
}

/// A body that holds its share.
struct BudgetedBody {
    body: Body,
    share: Arc<Share>,
}

/// Bytes that hold the share too: hyper keeps them in its write buffer after it has dropped the body.
struct BudgetedBytes {
    bytes: Bytes,
    _share: Arc<Share>,
}

impl AsRef<[u8]> for BudgetedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for BudgetedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let share = &self.share;
        frame.map_ok(|frame| {
            frame.map_data(|bytes| Bytes::from_owner(BudgetedBytes { bytes, _share: Arc::clone(share) }))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
