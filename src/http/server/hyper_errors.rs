//! Completes hyper's own error responses with a problem document.
//!
//! hyper answers a head that it cannot parse with a bare status, and no service of ours sees the request. Such a response
//! is recognised while it is written. The application then supplies the problem document, the request id and the other
//! headers of every response, and logs and counts it like any other.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Uri, header};
use http_body_util::{BodyExt, Collected};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::ServiceExt;

use super::client_address::Peer;
use super::timeouts::{SocketPhase, TimeoutStream};
use crate::http::problem::InvalidHead;

/// A header that every response of the application has, and hyper's own responses lack.
const OUR_HEADER: &str = crate::http::middleware::request_id::HEADER;

/// A stream on which hyper's own error responses are completed.
pub struct HyperErrorStream {
    stream: TimeoutStream,
    phase: SocketPhase,
    peer: Peer,
    app: Router,
    replacement: Replacement,
}

/// A response in place of one of hyper's.
enum Replacement {
    None,
    Pending(Pin<Box<dyn Future<Output = Bytes> + Send>>),
    Sending(Bytes),
}

impl HyperErrorStream {
    /// `app` responds to a request that has an [`InvalidHead`] as its extension.
    #[must_use]
    pub fn new(stream: TimeoutStream, phase: SocketPhase, peer: Peer, app: Router) -> Self {
        Self { stream, phase, peer, app, replacement: Replacement::None }
    }

    /// Whether hyper writes an error response of its own; if so, its replacement is started.
    fn replaces(&mut self, written: &[u8]) -> bool {
        let Some((head, error)) = parse_hyper_error(written) else { return false };
        // The socket is closed, but not before the client has read the response.
        self.phase.last();
        let response = full_response(self.app.clone(), self.peer, head.to_owned(), error);
        self.replacement = Replacement::Pending(Box::pin(response));
        true
    }

    /// Writes the replacement, if there is one.
    fn poll_replacement(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.replacement {
                Replacement::None => return Poll::Ready(Ok(())),
                Replacement::Pending(response) => {
                    self.replacement = Replacement::Sending(ready!(response.as_mut().poll(context)));
                }
                Replacement::Sending(rest) if rest.is_empty() => self.replacement = Replacement::None,
                Replacement::Sending(rest) => match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => drop(rest.split_to(written)),
                },
            }
        }
    }
}

/// Recognises an error response of hyper's own: a head without a body, with an error status, not from the application.
/// Returns the head without its last line break, and the error.
fn parse_hyper_error(written: &[u8]) -> Option<(&str, InvalidHead)> {
    // The cheapest checks first: they rule out most other responses.
    let head = std::str::from_utf8(written.strip_suffix(b"\r\n\r\n")?).ok()?;
    let error = InvalidHead::of_status(head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?)?;
    let is_ours = head.lines().any(|line| line.starts_with(OUR_HEADER));
    (!is_ours).then_some((head, error))
}

/// hyper's response with the application's headers and body. If the application answers with another status, as the
/// metrics listener does, hyper's response stays as it is.
async fn full_response(app: Router, peer: Peer, head: String, error: InvalidHead) -> Bytes {
    let mut request = Request::new(Body::empty());
    // Method and path are unknown: these two match no route.
    *request.method_mut() = Method::TRACE;
    *request.uri_mut() = Uri::from_static("*");
    request.extensions_mut().insert(peer);
    request.extensions_mut().insert(error);
    let Ok(response) = app.oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    if InvalidHead::of_status(parts.status.as_u16()) != Some(error) {
        return Bytes::from(head + "\r\n\r\n");
    }
    let kept = head.lines().filter(|line| !line.starts_with("content-length") && !line.starts_with("connection"));
    let mut bytes: Vec<u8> = kept.flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).collect();
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
    bytes.extend(body);
    bytes.into()
}

impl AsyncRead for HyperErrorStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for HyperErrorStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_replacement(context))?;
        if self.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_replacement(context))?;
        // hyper's own response is written in one slice: a head with nothing after it.
        if let [head] = slices
            && self.replaces(head)
        {
            return Poll::Ready(Ok(head.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_replacement(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_replacement(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
