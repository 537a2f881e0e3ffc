//! A proxy between clients and server, or between server and database. It forwards bytes, and drops, stalls,
//! half-closes or resets its sockets on request.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::broadcast;
use tokio::time::{sleep, timeout};

use crate::faults::Cut;

const STALL: Duration = Duration::from_millis(200);
/// How long the opener of a half-closed socket can still send.
const HALF_CLOSE: Duration = Duration::from_millis(200);

/// Where a proxy forwards to.
#[derive(Debug, Clone)]
pub enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A listening proxy. Its sockets close with the runtime.
pub struct Proxy {
    pub address: SocketAddr,
    cuts: broadcast::Sender<(Cut, u64)>,
}

impl Proxy {
    pub async fn start(target: Target) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (cuts, _) = broadcast::channel(16);
        let sender = cuts.clone();
        tokio::spawn(async move {
            for number in 0.. {
                // Perhaps no file descriptor is free; the next try may succeed.
                let Ok((from, _)) = listener.accept().await else { continue };
                tokio::spawn(forward(from, target.clone(), number, sender.subscribe()));
            }
        });
        Ok(Self { address, cuts })
    }

    /// Cuts the open sockets whose bit in the mask is set.
    pub fn cut(&self, cut: Cut, mask: u64) {
        self.cuts.send((cut, mask)).ok();
    }
}

/// Connects a client's socket to the target and forwards bytes both ways.
async fn forward(from: TcpStream, target: Target, number: u32, cuts: broadcast::Receiver<(Cut, u64)>) {
    from.set_nodelay(true).ok();
    // If the target does not listen, the client's socket closes at once.
    match target {
        Target::Tcp(address) => {
            let Ok(to) = TcpStream::connect(address).await else { return };
            to.set_nodelay(true).ok();
            let (from, to, is_reset) = forward_until_cut(from, to, number, cuts).await;
            if is_reset {
                from.set_zero_linger().ok();
                to.set_zero_linger().ok();
            }
        }
        Target::Unix(path) => {
            let Ok(to) = UnixStream::connect(path).await else { return };
            let (from, _to, is_reset) = forward_until_cut(from, to, number, cuts).await;
            if is_reset {
                from.set_zero_linger().ok();
            }
        }
    }
}

/// Forwards bytes until a side closes or a cut ends it. Returns both sockets and whether to reset them.
async fn forward_until_cut<S: AsyncRead + AsyncWrite + Unpin>(
    mut from: TcpStream,
    mut to: S,
    number: u32,
    mut cuts: broadcast::Receiver<(Cut, u64)>,
) -> (TcpStream, S, bool) {
    let cut = {
        let mut forwarding = pin!(copy_bidirectional(&mut from, &mut to));
        loop {
            let cut = tokio::select! {
                _ = &mut forwarding => break None,
                Ok((cut, mask)) = cuts.recv() => (mask >> (number % 64) & 1 == 1).then_some(cut),
            };
            match cut {
                None => {}
                // `forwarding` is not polled meanwhile, so no byte passes.
                Some(Cut::Stall) => sleep(STALL).await,
                Some(Cut::StallAndReset) => {
                    sleep(STALL).await;
                    break Some(Cut::Reset);
                }
                Some(cut) => break Some(cut),
            }
        }
    };
    if cut == Some(Cut::HalfClose) && from.shutdown().await.is_ok() {
        timeout(HALF_CLOSE, copy(&mut from, &mut to)).await.ok();
    }
    (from, to, cut == Some(Cut::Reset))
}
