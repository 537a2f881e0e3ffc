//! Serves one client connection (socket): its requests one after the other, until it ends or is evicted.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;
use tower::ServiceExt;

use super::client_address::Peer;
use super::hyper_errors::HyperErrorStream;
use super::idle_since::IdleSince;
use super::idle_sockets::{EvictionRequest, TrackedSocket};
use super::streamed_body::when_ended;
use super::timeouts::{SocketPhase, TimeoutStream, Timeouts};
use crate::http::middleware::load_shed::OverCapacity;
use crate::http::problem::InvalidHead;

/// The largest head, and the largest chunk of a body that is read at once, in bytes. With hyper's own limit a few
/// thousand sockets could hold gigabytes of heads.
const MAX_BUFFER: usize = 64 * 1_024;
/// How long an idle socket is still read from before it is closed to make room.
const LAST_READ: Duration = Duration::from_millis(5);

/// What each request on a socket needs.
#[derive(Debug, Clone)]
pub struct ClientSocket {
    /// The routes.
    pub app: Router,
    /// The other end.
    pub peer: Peer,
    /// Above the limit of client connections: one response, and it is closed.
    pub is_over_capacity: bool,
}

impl ClientSocket {
    /// Serves `stream` until it ends, or until a new socket evicts it: then the request for its permit is returned.
    pub async fn serve(
        self,
        stream: TcpStream,
        timeouts: Timeouts,
        watcher: Watcher,
        tracked: &mut TrackedSocket,
    ) -> Option<EvictionRequest> {
        let idle_since = tracked.idle_since();
        let (stream, phase) = TimeoutStream::new(stream, timeouts, idle_since.clone());
        let stream = HyperErrorStream::new(stream, phase.clone(), self.peer, self.app.clone());
        let service = service_fn(|request| self.clone().respond(request, phase.clone(), idle_since.clone()));
        let connection = http1::Builder::new().max_buf_size(MAX_BUFFER).serve_connection(TokioIo::new(stream), service);
        until_end_or_eviction(watcher.watch(connection), tracked).await
    }

    async fn respond(
        self,
        request: Request<Incoming>,
        phase: SocketPhase,
        idle_since: IdleSince,
    ) -> Result<Response, Infallible> {
        let Self { app, peer, is_over_capacity } = self;
        phase.busy();
        idle_since.mark_busy();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        if let Err(error) = InvalidHead::check(request.version(), request.headers()) {
            request.extensions_mut().insert(error);
        }
        if is_over_capacity {
            request.extensions_mut().insert(OverCapacity);
        }
        let mut response = app.oneshot(request).await?;
        if is_over_capacity {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let is_last = response.headers().contains_key(header::CONNECTION);
        Ok(when_ended(response, move || {
            if is_last {
                phase.last();
            } else {
                phase.idle();
                // Before the client has the response: it may need the permit for its next socket.
                idle_since.mark_idle();
            }
        }))
    }
}

async fn until_end_or_eviction(
    connection: impl Future<Output = hyper::Result<()>>,
    tracked: &mut TrackedSocket,
) -> Option<EvictionRequest> {
    let mut connection = pin!(connection);
    let mut request = None;
    let ended = loop {
        tokio::select! {
            biased;
            ended = &mut connection => break ended,
            requested = tracked.eviction_requested(), if request.is_none() => request = Some(requested),
            // If a request of the client came at the same time, it is read before the timer fires.
            () = tokio::time::sleep(LAST_READ), if request.is_some() => {
                request = request.take().and_then(|request| tracked.accept(request));
                if request.is_some() {
                    tracing::debug!("an idle client connection is closed to make room");
                    break Ok(());
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "a client connection failed");
    }
    request
}
