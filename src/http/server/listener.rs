//! Accepts client connections (sockets), up to a limit.
//!
//! Above the limit, an idle socket is closed to make room (`idle_sockets.rs`). If none is idle, the new socket is still
//! accepted, up to a small reserve: it gets one response, 503 at once, instead of waiting in the kernel's queue
//! until its client gives up. Probes are answered there too, so that no busy server is restarted. Above the reserve,
//! sockets wait in the kernel's queue.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client_address::{Peer, TrustedProxies};
use super::client_socket::ClientSocket;
use super::idle_sockets::IdleSockets;
use super::timeouts::Timeouts;

/// The number of sockets above the limit that are accepted and get a 503. As many as a burst may bring: when the
/// kernel's queue overflows, it drops packets, and clients retry only after seconds.
pub const REJECT_RESERVE: usize = 512;
/// How many sockets may wait in the kernel's queue, as far as `net.core.somaxconn` permits. The usual 128 is less than
/// one burst. When the queue overflows, the kernel answers from SYN cookies and keeps nothing of the socket; the second
/// packet of a long request is then refused, and its client sees a reset connection.
const BACKLOG: u32 = 4_096;
/// How much of a response waits in the kernel for a client that does not read, in bytes. Without this, the buffer of
/// each stale stream grows to megabytes.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNSENT: u32 = 128 * 1_024;
/// How often the server looks for an idle socket while it has no permit for a new one.
const RETRY: Duration = Duration::from_millis(100);

/// How many sockets a listener may have at a time.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// The most sockets that are served.
    pub limit: usize,
    /// How many are accepted above it.
    pub reserve: usize,
}

/// Listens on `address`.
///
/// # Errors
/// What the operating system says: the port is taken, or the address is not one of this machine.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that starts again does not wait for the old one's closed sockets.
    socket.set_reuseaddr(true)?;
    // Accepted sockets inherit it.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    socket2::SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `app` until `stop`. Then it accepts nothing more and returns when the requests in flight are answered.
/// Sockets of `proxies` are not closed to make room.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    capacity: Capacity,
    timeouts: Timeouts,
    proxies: TrustedProxies,
    stop: impl Future,
) {
    let within_limit = Arc::new(Semaphore::new(capacity.limit));
    let with_reserve = Arc::new(Semaphore::new(capacity.limit + capacity.reserve));
    let sockets = IdleSockets::new(proxies);
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, peer, reserve_permit) = tokio::select! {
            biased;
            _ = &mut stop => break,
            accepted = accept(&listener, &with_reserve, &sockets) => accepted,
        };
        // Sockets in the reserve take no permit of the main limit; otherwise a steady stream of refused clients would
        // occupy it for good.
        let permit = Arc::clone(&within_limit).try_acquire_owned().ok();
        let mut tracked = sockets.track(peer, permit.is_some());
        let watcher = graceful.watcher();
        let app = app.clone();
        tokio::spawn(async move {
            let _reserve_permit = reserve_permit;
            let permit = match permit {
                Some(permit) => Some(permit),
                None => tracked.evict_another().await,
            };
            let socket = ClientSocket { app, peer: Peer(peer), is_over_capacity: permit.is_none() };
            let request = socket.serve(stream, timeouts, watcher, &mut tracked).await;
            drop(tracked);
            if let Some(request) = request {
                request.grant(permit);
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn accept(
    listener: &TcpListener,
    with_reserve: &Arc<Semaphore>,
    sockets: &IdleSockets,
) -> (TcpStream, IpAddr, OwnedSemaphorePermit) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Responses are small and written whole: Nagle's algorithm would only delay them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY was refused");
                }
                return (stream, peer.ip(), acquire(with_reserve, sockets, peer.ip()).await);
            }
            // The client closed the socket before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // Most likely no file descriptor is free; closing sockets frees some.
                if !sockets.evict_for(None).await {
                    tracing::error!(%error, "no client connection can be accepted");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

/// Waits for a permit within the limit and the reserve.
async fn acquire(with_reserve: &Arc<Semaphore>, sockets: &IdleSockets, peer: IpAddr) -> OwnedSemaphorePermit {
    loop {
        tokio::select! {
            biased;
            // The semaphore is never closed.
            Ok(permit) = Arc::clone(with_reserve).acquire_owned() => return permit,
            () = make_room(sockets, peer) => {}
        }
    }
}

/// Closes an idle socket, or waits a little for one to become idle.
async fn make_room(sockets: &IdleSockets, peer: IpAddr) {
    if !sockets.evict_for(Some(peer)).await {
        tokio::time::sleep(RETRY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(any(target_os = "android", target_os = "linux"))]
    #[tokio::test]
    async fn kernel_keeps_little_for_a_client_that_does_not_read() {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
        let address = listener.local_addr().expect("an address");
        let (accepted, client) = tokio::join!(listener.accept(), TcpStream::connect(address));
        let (server, _) = accepted.expect("accepted");
        let _client = client.expect("connected");
        assert_eq!(socket2::SockRef::from(&server).tcp_notsent_lowat().expect("an option"), UNSENT);
    }
}
