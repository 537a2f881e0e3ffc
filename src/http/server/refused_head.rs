//! Heads that hyper refuses by itself: the client gets a problem document all the same.
//!
//! hyper answers what it cannot read with a status and no more, and no service of ours sees the request. Such an answer
//! is recognised where it is written, and is completed with what the application says of it: the problem document, the
//! request's id, the other headers of every answer. So it is also logged and counted like any other.

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

/// What every answer of the application has, and hyper's own have not.
const OURS: &str = crate::http::middleware::request_id::HEADER;

/// A connection on which hyper's own answers are completed.
pub struct CompletesRefusals {
    stream: TimeoutStream,
    phase: SocketPhase,
    peer: Peer,
    app: Router,
    answer: Answer,
}

/// An answer in the place of one of hyper's.
enum Answer {
    None,
    Made(Pin<Box<dyn Future<Output = Bytes> + Send>>),
    Sent(Bytes),
}

impl CompletesRefusals {
    /// `app` says what is wrong with a request that has an [`InvalidHead`].
    #[must_use]
    pub fn new(stream: TimeoutStream, phase: SocketPhase, peer: Peer, app: Router) -> Self {
        Self { stream, phase, peer, app, answer: Answer::None }
    }

    /// Whether hyper writes an answer of its own; then ours is begun.
    fn replaces(&mut self, written: &[u8]) -> bool {
        let Some((head, fault)) = bare(written) else { return false };
        // The connection ends, but not before the client has read why.
        self.phase.last();
        self.answer = Answer::Made(Box::pin(complete(self.app.clone(), self.peer, head.to_owned(), fault)));
        true
    }

    /// Sends what is to be sent in the place of hyper's answer.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.answer {
                Answer::None => return Poll::Ready(Ok(())),
                Answer::Made(answer) => self.answer = Answer::Sent(ready!(answer.as_mut().poll(context))),
                Answer::Sent(rest) if rest.is_empty() => self.answer = Answer::None,
                Answer::Sent(rest) => match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    sent => drop(rest.split_to(sent)),
                },
            }
        }
    }
}

/// An answer of hyper's own: what is written is a head without a body, of a refusal, and not of the application.
fn bare(written: &[u8]) -> Option<(&str, InvalidHead)> {
    // First what tells it from most other answers at once.
    let head = std::str::from_utf8(written.strip_suffix(b"\r\n\r\n")?).ok()?;
    let fault = InvalidHead::of_status(head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?)?;
    let is_ours = head.lines().any(|line| line.starts_with(OURS));
    (!is_ours).then_some((head, fault))
}

/// hyper's answer with the application's headers and body. Where the application has nothing to say of such requests,
/// it stays as it is.
async fn complete(app: Router, peer: Peer, head: String, fault: InvalidHead) -> Bytes {
    let mut request = Request::new(Body::empty());
    // Neither method nor path is known: a word for each that no request of a client is mistaken for.
    *request.method_mut() = Method::TRACE;
    *request.uri_mut() = Uri::from_static("*");
    request.extensions_mut().insert(peer);
    request.extensions_mut().insert(fault);
    let Ok(response) = app.oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    if InvalidHead::of_status(parts.status.as_u16()) != Some(fault) {
        return Bytes::from(head + "\r\n\r\n");
    }
    let kept = head.lines().filter(|line| !line.starts_with("content-length") && !line.starts_with("connection"));
    let mut answer: Vec<u8> = kept.flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).collect();
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        answer.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    answer.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
    answer.extend(body);
    answer.into()
}

impl AsyncRead for CompletesRefusals {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for CompletesRefusals {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(context))?;
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
        ready!(self.poll_send(context))?;
        // A head is the first that is written, and hyper's own has nothing after it.
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
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
