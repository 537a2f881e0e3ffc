//! A receiver of webhooks: a small HTTP server in a thread of its own, which notes when each delivery comes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::oneshot;
use unibooks::domain::Clock;

/// The path at which every delivery is accepted.
const PATH: &str = "/hooks";
/// The path at which no request is ever answered.
const SILENT_PATH: &str = "/silent";
const BUFFER_SIZE: usize = 4096;
const MAX_HEADERS: usize = 32;
const ACCEPTED: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// A delivery that was accepted.
#[derive(Debug, Clone, Copy)]
pub struct Delivery {
    /// When it came.
    pub at: Instant,
    /// How long before its change was written. The time of the commit is in it.
    pub latency: Duration,
}

/// A running receiver. It ends when it is dropped.
pub struct Receiver {
    address: SocketAddr,
    deliveries: Deliveries,
    _stop: oneshot::Sender<()>,
}

type Deliveries = Arc<Mutex<Vec<Delivery>>>;

impl Receiver {
    /// Starts a receiver.
    pub fn start() -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let (address, deliveries) = (listener.local_addr()?, Deliveries::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::clone(&deliveries);
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    ended = accept(listener, shared) => ended,
                    _ = stopped => Ok(()),
                }
            })
        });
        Ok(Self { address, deliveries, _stop: stop })
    }

    /// The URL at which every delivery is accepted.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// The URL at which no delivery is ever answered.
    pub fn silent_url(&self) -> String {
        format!("http://{}{SILENT_PATH}", self.address)
    }

    /// Waits until at least `count` deliveries have come.
    pub async fn wait_for(&self, count: usize, limit: Duration) -> anyhow::Result<()> {
        let started = Instant::now();
        while self.count() < count {
            ensure!(started.elapsed() < limit, "{} of {count} deliveries came within {limit:?}", self.count());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// How many deliveries have come since they were last taken.
    pub fn count(&self) -> usize {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Those that have come since they were last taken.
    pub fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.deliveries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn accept(listener: std::net::TcpListener, deliveries: Deliveries) -> anyhow::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, Arc::clone(&deliveries)));
    }
}

/// Takes the requests of one socket, until it is closed.
async fn serve(mut stream: TcpStream, deliveries: Deliveries) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        if let Some((is_silent, body)) = parse(&buffer[..filled])? {
            filled = 0;
            if !is_silent {
                let delivery = Delivery { at: Instant::now(), latency: latency(&buffer[body..])? };
                deliveries.lock().unwrap_or_else(PoisonError::into_inner).push(delivery);
                stream.write_all(ACCEPTED).await?;
            }
        } else if filled == buffer.len() {
            buffer.resize(2 * filled, 0);
        }
    }
}

/// Whether a whole request came to the silent path, and where its body begins.
fn parse(bytes: &[u8]) -> anyhow::Result<Option<(bool, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(body) = request.parse(bytes)? else { return Ok(None) };
    let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length: usize = std::str::from_utf8(length.context("a delivery without content-length")?.value)?.parse()?;
    let is_silent = request.path == Some(SILENT_PATH);
    Ok((bytes.len() >= body + length).then_some((is_silent, body)))
}

/// The age of the event in a body. Its `timestamp` is the time of the change, and the last member but one.
fn latency(body: &[u8]) -> anyhow::Result<Duration> {
    const MEMBER: &str = "\"timestamp\":\"";
    let text = String::from_utf8_lossy(body);
    let (_, rest) = text.rsplit_once(MEMBER).context("a delivery without a timestamp")?;
    let time: DateTime<Utc> = rest.split('"').next().unwrap_or_default().parse()?;
    Ok((Clock::system().now() - time).to_std().unwrap_or_default())
}
