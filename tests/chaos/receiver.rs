//! A receiver of webhooks on a socket. It verifies each delivery, and makes trouble: it answers 500, is slow, resets its
//! sockets amid a request or an answer, and dies.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context, ensure};
use axum::http::HeaderMap;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;
use uuid::Uuid;

use crate::request::Requests;
use crate::trouble::Trouble;

/// What happened at a receiver.
#[derive(Debug, Clone, Copy)]
pub enum Happened {
    /// A request with this event arrived.
    Arrived(Uuid),
    /// From now on nothing can arrive.
    Died,
    /// It listens again.
    Revived,
}

/// What a receiver has seen.
#[derive(Debug, Default)]
pub struct Log {
    /// In the order in which it happened.
    pub happened: Vec<Happened>,
    /// The events that were answered with success, and their payments.
    pub delivered: HashMap<Uuid, Uuid>,
    /// What is wrong with requests.
    pub violations: Vec<String>,
}

impl Log {
    /// How many requests arrived.
    pub fn attempts(&self) -> usize {
        self.happened.iter().filter(|happened| matches!(happened, Happened::Arrived(_))).count()
    }
}

/// A receiver.
pub struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

struct State {
    webhook: Webhook,
    rng: Mutex<StdRng>,
    makes_trouble: AtomicBool,
    log: Mutex<Log>,
}

impl Receiver {
    /// Starts one. `create` makes a webhook endpoint with its URL, and returns the secret.
    pub async fn start(seed: u64, create: impl FnOnce(&str) -> anyhow::Result<String>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let secret = create(&format!("http://{address}/"))?;
        let state = Arc::new(State {
            webhook: Webhook::new(&secret)?,
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            makes_trouble: AtomicBool::new(true),
            log: Mutex::default(),
        });
        let serving = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Self { address, state, serving })
    }

    /// Closes its sockets and refuses others.
    pub async fn kill(&mut self) {
        self.state.log().happened.push(Happened::Died);
        self.serving.abort();
        (&mut self.serving).await.ok();
    }

    /// Listens again.
    pub async fn revive(&mut self) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        self.state.log().happened.push(Happened::Revived);
        self.serving = tokio::spawn(serve(listener, Arc::clone(&self.state)));
        Ok(())
    }

    /// Whether it makes trouble from now on.
    pub fn make_trouble(&self, does: bool) {
        self.state.makes_trouble.store(does, Ordering::Relaxed);
    }

    /// What it has seen so far.
    pub fn log(&self) -> MutexGuard<'_, Log> {
        self.state.log()
    }
}

impl State {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("no panic")
    }

    fn trouble(&self) -> Trouble {
        let trouble = Trouble::generate(&mut *self.rng.lock().expect("no panic"));
        if self.makes_trouble.load(Ordering::Relaxed) { trouble } else { Trouble::None }
    }

    /// Verifies a delivery and returns its payment.
    fn verify(&self, event: Uuid, headers: &HeaderMap, body: &[u8]) -> anyhow::Result<Uuid> {
        self.webhook.verify(body, headers)?;
        let body: Value = serde_json::from_slice(body)?;
        ensure!(body["id_event"] == event.to_string(), "the body has another event: {body}");
        ensure!(body["type"] == "accounting.payment.created", "the endpoint does not want it: {body}");
        Ok(body["data"]["id"].as_str().context("no payment")?.parse()?)
    }

    /// Takes the requests of a socket, until one of them ends it.
    async fn take(&self, socket: TcpStream) -> anyhow::Result<()> {
        let mut requests = Requests::new(socket);
        loop {
            let headers = requests.headers().await?;
            let event = headers.get("webhook-id").context("no id")?.to_str()?.parse()?;
            self.log().happened.push(Happened::Arrived(event));
            let trouble = self.trouble();
            if trouble == Trouble::ResetRequest {
                return Ok(requests.socket.set_zero_linger()?);
            }
            let body = requests.body(&headers).await?;
            let payment = match self.verify(event, &headers, &body) {
                Ok(payment) => payment,
                Err(error) => {
                    self.log().violations.push(format!("event {event} was sent, but cannot be used: {error:#}"));
                    return Ok(());
                }
            };
            match trouble {
                Trouble::Refuse => {
                    requests.socket.write_all(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n").await?;
                    continue;
                }
                Trouble::ResetAnswer => return Ok(requests.socket.set_zero_linger()?),
                Trouble::CutAnswer => {
                    requests.socket.write_all(b"HTTP/1.1 2").await?;
                    return Ok(requests.socket.set_zero_linger()?);
                }
                Trouble::Slow(delay) => sleep(delay).await,
                Trouble::None | Trouble::ResetRequest => {}
            }
            // Before the answer: the server may take it at once.
            self.log().delivered.insert(event, payment);
            requests.socket.write_all(b"HTTP/1.1 204 Yes\r\n\r\n").await?;
        }
    }
}

/// Takes requests until it is dropped; then its sockets close.
async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut sockets = JoinSet::new();
    loop {
        // Perhaps no file descriptor is free; the next try may succeed.
        let Ok((socket, _)) = listener.accept().await else { continue };
        let state = Arc::clone(&state);
        // A socket that breaks is the server's end, or the trouble of this receiver.
        sockets.spawn(async move { state.take(socket).await.ok() });
        while sockets.try_join_next().is_some() {}
    }
}
