//! Accepts connections and serves them: not more than a number, and none that keeps the server waiting.
//!
//! Above the number a connection is still accepted, up to a small reserve, so that it can be told "503" at once and
//! does not wait in the kernel's queue until its client gives up; and so that probes are answered, lest a busy server
//! be killed for being busy. Such a connection gets one answer. Above the reserve, the kernel's queue
//! is all there is.

use std::convert::Infallible;
use std::io;
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

use super::client_address::Peer;
use super::patience::{Patience, Patient, Phase};

/// Connections above the limit that are told so. As many as a burst may bring: where the kernel's queue overflows, it
/// drops what clients sent, and they try again after seconds.
pub const RESERVE: usize = 512;
/// The largest head, and the largest piece of a body, in bytes: with hyper's own limit a few thousand connections could
/// hold gigabytes of heads.
const MAX_BUFFER: usize = 64 * 1_024;

/// An extension of requests on a connection above the limit.
#[derive(Debug, Clone, Copy)]
pub struct Crowded;

/// Serves `app` until `stop`; then accepts nothing more and returns when the requests in flight are answered.
/// `most` is the limit of connections.
pub async fn serve(listener: TcpListener, app: Router, most: usize, patience: Patience, stop: impl Future) {
    let room = Arc::new(Semaphore::new(most));
    let all = Arc::new(Semaphore::new(most + RESERVE));
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, place) = tokio::select! {
            biased;
            _ = &mut stop => break,
            accepted = accept(&listener, &all) => accepted,
        };
        // Those in the reserve do not count against the limit, or a crowd that keeps coming would keep itself out.
        let within_limit = Arc::clone(&room).try_acquire_owned();
        let is_crowded = within_limit.is_err();
        let watcher = graceful.watcher();
        let app = app.clone();
        tokio::spawn(async move {
            let _places = (place, within_limit);
            let Ok(peer) = stream.peer_addr() else { return };
            let (stream, phase) = Patient::new(stream, patience);
            let service =
                service_fn(move |request| answer(app.clone(), request, Peer(peer.ip()), is_crowded, phase.clone()));
            let connection =
                http1::Builder::new().max_buf_size(MAX_BUFFER).serve_connection(TokioIo::new(stream), service);
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a connection broke off");
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn accept(listener: &TcpListener, all: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        // Never closed, so there is always one to come.
        let Ok(place) = Arc::clone(all).acquire_owned().await else { std::future::pending().await };
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and whole: waiting to fill a packet would only delay them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY was refused");
                }
                return (stream, place);
            }
            // The client's own affair.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // Most likely there are no more file descriptors; some come back when connections close.
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer(
    app: Router,
    request: axum::http::Request<Incoming>,
    peer: Peer,
    is_crowded: bool,
    phase: Phase,
) -> Result<Response, Infallible> {
    phase.busy();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    if is_crowded {
        request.extensions_mut().insert(Crowded);
    }
    let mut response = app.oneshot(request).await?;
    if is_crowded {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if response.headers().contains_key(header::CONNECTION) {
        phase.last();
    } else {
        phase.idle();
    }
    Ok(response)
}
