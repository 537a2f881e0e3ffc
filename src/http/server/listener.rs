//! Accepts connections and serves them: not more than a number, and none that keeps the server waiting.
//!
//! Above the number an idle connection is closed to make room ([`super::idle_sockets`]). Where none is idle, the
//! connection is still accepted, up to a small reserve, so that it can be told "503" at once and
//! does not wait in the kernel's queue until its client gives up; and so that probes are answered, lest a busy server
//! be killed for being busy. Such a connection gets one answer. Above the reserve, the kernel's queue
//! is all there is.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use super::client_address::{Peer, TrustedProxies};
use super::idle_sockets::{IdleSockets, IdleTime, Listed, PlaceRequest};
use super::refused_head::CompletesRefusals;
use super::timeouts::{SocketPhase, TimeoutStream, Timeouts};
use crate::http::middleware::load_shed::OverCapacity;
use crate::http::problem::InvalidHead;

/// Pool above the limit that are told so. As many as a burst may bring: where the kernel's queue overflows, it
/// drops what clients sent, and they try again after seconds.
pub const REJECT_RESERVE: usize = 512;
/// The largest head, and the largest piece of a body, in bytes: with hyper's own limit a few thousand connections could
/// hold gigabytes of heads.
const MAX_BUFFER: usize = 64 * 1_024;
/// How long an idle connection is still read from before it is closed to make room.
const LAST_LOOK: Duration = Duration::from_millis(5);
/// How often the server looks for an idle connection while it has no place for a new one.
const RETRY: Duration = Duration::from_millis(100);

/// How many connections a listener may have at a time.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// The limit.
    pub most: usize,
    /// How many are accepted above it.
    pub reserve: usize,
}

/// Serves `app` until `stop`; then accepts nothing more and returns when the requests in flight are answered.
/// Pool of `proxies` are not closed to make room.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    capacity: Capacity,
    timeouts: Timeouts,
    proxies: TrustedProxies,
    stop: impl Future,
) {
    let room = Arc::new(Semaphore::new(capacity.most));
    let all = Arc::new(Semaphore::new(capacity.most + capacity.reserve));
    let open = IdleSockets::new(proxies);
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, peer, place) = tokio::select! {
            biased;
            _ = &mut stop => break,
            accepted = accept(&listener, &all, &open) => accepted,
        };
        // Those in the reserve do not count against the limit, or a crowd that keeps coming would keep itself out.
        let within_limit = Arc::clone(&room).try_acquire_owned().ok();
        let mut listed = open.list(peer, within_limit.is_some());
        let watcher = graceful.watcher();
        let app = app.clone();
        tokio::spawn(async move {
            let _place = place;
            let within_limit = match within_limit {
                Some(place) => Some(place),
                None => listed.take_place().await,
            };
            let is_over_capacity = within_limit.is_none();
            let (idle, peer) = (listed.idle(), Peer(peer));
            let (stream, phase) = TimeoutStream::new(stream, timeouts, idle.clone());
            let stream = CompletesRefusals::new(stream, phase.clone(), peer, app.clone());
            let service = service_fn(move |request| {
                answer(app.clone(), request, peer, is_over_capacity, phase.clone(), idle.clone())
            });
            let connection =
                http1::Builder::new().max_buf_size(MAX_BUFFER).serve_connection(TokioIo::new(stream), service);
            let request = run(watcher.watch(connection), &mut listed).await;
            drop(listed);
            if let Some(request) = request {
                request.grant(within_limit);
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// Serves a connection to its end, or until a new one takes its place: then the answer is the request for the place.
async fn run(connection: impl Future<Output = hyper::Result<()>>, listed: &mut Listed) -> Option<PlaceRequest> {
    let mut connection = pin!(connection);
    let mut request = None;
    let ended = loop {
        tokio::select! {
            biased;
            ended = &mut connection => break ended,
            asked = listed.requested(), if request.is_none() => request = Some(asked),
            // Has a request of the client come at the same time, it is read before the timer fires.
            () = tokio::time::sleep(LAST_LOOK), if request.is_some() => {
                request = request.take().and_then(|request| listed.accept(request));
                if request.is_some() {
                    tracing::debug!("an idle connection is closed to make room");
                    break Ok(());
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "a connection broke off");
    }
    request
}

async fn accept(
    listener: &TcpListener,
    all: &Arc<Semaphore>,
    open: &IdleSockets,
) -> (TcpStream, IpAddr, OwnedSemaphorePermit) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and whole: waiting to fill a packet would only delay them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY was refused");
                }
                return (stream, peer.ip(), place(all, open, peer.ip()).await);
            }
            // The client's own affair.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // Most likely there are no more file descriptors; some come back when connections close.
                if !open.close_one_for(None).await {
                    tracing::error!(%error, "no connection can be accepted");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

/// Waits for a place in the reserve or below.
async fn place(all: &Arc<Semaphore>, open: &IdleSockets, peer: IpAddr) -> OwnedSemaphorePermit {
    loop {
        tokio::select! {
            biased;
            // Never closed, so there is always one to come.
            Ok(place) = Arc::clone(all).acquire_owned() => return place,
            () = make_room(open, peer) => {}
        }
    }
}

/// Closes an idle connection, or waits a little for one to become idle.
async fn make_room(open: &IdleSockets, peer: IpAddr) {
    if !open.close_one_for(Some(peer)).await {
        tokio::time::sleep(RETRY).await;
    }
}

async fn answer(
    app: Router,
    request: axum::http::Request<Incoming>,
    peer: Peer,
    is_over_capacity: bool,
    phase: SocketPhase,
    idle: IdleTime,
) -> Result<Response, Infallible> {
    phase.busy();
    idle.end();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    if let Err(fault) = InvalidHead::check(request.version(), request.headers()) {
        request.extensions_mut().insert(fault);
    }
    if is_over_capacity {
        request.extensions_mut().insert(OverCapacity);
    }
    let mut response = app.oneshot(request).await?;
    if is_over_capacity {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if response.headers().contains_key(header::CONNECTION) {
        phase.last();
    } else {
        phase.idle();
        // Before the client has the answer: it may need the place for its next connection.
        idle.begin();
    }
    Ok(response)
}
