//! Receivers of webhooks on real sockets, which answer as a test says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response};
use axum::{Router, routing};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What a receiver got.
#[derive(Debug, Clone)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Value,
    pub bytes: Bytes,
}

impl Received {
    /// The id of the event: the same in all attempts.
    pub fn id(&self) -> String {
        self.headers["webhook-id"].to_str().expect("text").to_owned()
    }

    /// When the attempt was made, in seconds since 1970.
    pub fn timestamp(&self) -> i64 {
        self.headers["webhook-timestamp"].to_str().expect("text").parse().expect("a number")
    }

    /// The id of the object that the event is about.
    pub fn object(&self) -> String {
        self.body["data"]["id"].as_str().expect("an id").to_owned()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A status, headers and a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// None, while the socket is open.
    Silence,
    /// A status, once the test gives a permit.
    Held(Arc<Semaphore>, u16),
}

/// A status without more.
pub fn status(status: u16) -> Reply {
    Reply::Answer(status, Vec::new(), String::new())
}

/// A receiver. All clones are the same one.
#[derive(Clone)]
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    seen: Arc<Mutex<Vec<Received>>>,
    open: Arc<AtomicUsize>,
    most_open: Arc<AtomicUsize>,
}

/// Counts an open call until its end, also where the caller goes away.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Receiver {
    /// One that answers 200.
    pub async fn start() -> Self {
        Self::answering(|_, _| status(200)).await
    }

    /// One with its own answers; they get the number of calls before, and the call.
    pub async fn answering(answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let receiver = Self { url, seen: Arc::default(), open: Arc::default(), most_open: Arc::default() };
        let (own, answer) = (receiver.clone(), Arc::new(answer));
        let handler = async move |headers: HeaderMap, body: Bytes| {
            let _open = Open(Arc::clone(&own.open));
            own.most_open.fetch_max(own.open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let delivered = Received { headers, body: serde_json::from_slice(&body).expect("JSON"), bytes: body };
            let before = {
                let mut seen = own.seen.lock().expect("whole");
                seen.push(delivered.clone());
                seen.len() - 1
            };
            match answer(before, &delivered) {
                Reply::Silence => std::future::pending().await,
                Reply::Held(permits, status) => {
                    permits.acquire().await.expect("open").forget();
                    Response::builder().status(status).body(Body::empty()).expect("a response")
                }
                Reply::Answer(status, headers, body) => {
                    let mut response = Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(name, value);
                    }
                    response.body(Body::from(body)).expect("a response")
                }
            }
        };
        let router = Router::new().fallback(routing::any(handler));
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// What came so far.
    pub fn received(&self) -> Vec<Received> {
        self.seen.lock().expect("whole").clone()
    }

    /// The objects of what came so far.
    pub fn objects(&self) -> Vec<String> {
        self.received().iter().map(Received::object).collect()
    }

    /// How many calls came so far.
    pub fn count(&self) -> usize {
        self.seen.lock().expect("whole").len()
    }

    /// The most calls that were open at a time.
    pub fn most_open(&self) -> usize {
        self.most_open.load(Ordering::SeqCst)
    }
}
