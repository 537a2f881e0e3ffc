//! A network of our own, between clients and server or between server and database: it passes bytes on until it is
//! ordered to drop, stall, half-close or reset what it holds.

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
/// How long one that hears no more is still heard.
const HALF_CLOSED: Duration = Duration::from_millis(200);

/// Where connections lead.
#[derive(Debug, Clone)]
pub enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A listening proxy. Its connections end with the runtime.
pub struct Proxy {
    pub address: SocketAddr,
    cuts: broadcast::Sender<(Cut, u64)>,
}

impl Proxy {
    pub async fn start(target: Target) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (cuts, _) = broadcast::channel(16);
        let heard = cuts.clone();
        tokio::spawn(async move {
            for number in 0.. {
                // Out of files, at worst: the next try may do.
                let Ok((from, _)) = listener.accept().await else { continue };
                tokio::spawn(pass(from, target.clone(), number, heard.subscribe()));
            }
        });
        Ok(Self { address, cuts })
    }

    /// Cuts the open connections whose place in the mask is set.
    pub fn cut(&self, cut: Cut, mask: u64) {
        self.cuts.send((cut, mask)).ok();
    }
}

async fn pass(from: TcpStream, target: Target, number: u32, cuts: broadcast::Receiver<(Cut, u64)>) {
    from.set_nodelay(true).ok();
    // Where nobody listens, the connection closes at once.
    match target {
        Target::Tcp(address) => {
            let Ok(to) = TcpStream::connect(address).await else { return };
            to.set_nodelay(true).ok();
            let (from, to, is_reset) = hold(from, to, number, cuts).await;
            if is_reset {
                from.set_zero_linger().ok();
                to.set_zero_linger().ok();
            }
        }
        Target::Unix(path) => {
            let Ok(to) = UnixStream::connect(path).await else { return };
            let (from, _to, is_reset) = hold(from, to, number, cuts).await;
            if is_reset {
                from.set_zero_linger().ok();
            }
        }
    }
}

/// Passes bytes until one side ends it or a cut does: both sides, and whether they are to be reset.
async fn hold<S: AsyncRead + AsyncWrite + Unpin>(
    mut from: TcpStream,
    mut to: S,
    number: u32,
    mut cuts: broadcast::Receiver<(Cut, u64)>,
) -> (TcpStream, S, bool) {
    let cut = {
        let mut passing = pin!(copy_bidirectional(&mut from, &mut to));
        loop {
            let cut = tokio::select! {
                _ = &mut passing => break None,
                Ok((cut, mask)) = cuts.recv() => (mask >> (number % 64) & 1 == 1).then_some(cut),
            };
            match cut {
                None => {}
                // While nobody asks `passing`, nothing passes.
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
        timeout(HALF_CLOSED, copy(&mut from, &mut to)).await.ok();
    }
    (from, to, cut == Some(Cut::Reset))
}
