//! A TCP link between server and Postgres. In sessions that write payments it can hold back or delay messages, and lose
//! an answer.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

use crate::support::wait::until;

/// How a statement or its answer is lost.
#[derive(Debug, Clone, Copy)]
pub enum Loss {
    /// Postgres runs the statement. The server gets this severity and code instead of the answer, as from a pooler.
    Answer(&'static str, &'static str),
    /// The statement never reaches Postgres. The server gets this severity and code.
    Statement(&'static str, &'static str),
    /// Postgres runs the statement. The session closes without an answer.
    Cut,
}

/// A listening link. Its sessions end with the runtime.
pub struct Link {
    pub address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Messages of the server that contain this wait.
    held: watch::Sender<Option<&'static str>>,
    /// The delay of each message of the server.
    delay: Mutex<Duration>,
    /// The loss to come, and the number of statements that pass before it.
    loss: Mutex<Option<(Loss, u32)>>,
    /// The text of the statement to lose; empty for any statement of a session that has inserted a payment.
    needle: Mutex<&'static str>,
    struck: AtomicBool,
    /// The number of ended sessions that wrote payments and whose messages Postgres has finished.
    ended: AtomicU32,
}

impl Link {
    /// A link to the Postgres at `options`, which listens on a Unix socket.
    pub async fn to(options: &PgConnectOptions) -> Self {
        let folder = options.get_socket().expect("a Unix socket");
        let socket = folder.join(format!(".s.PGSQL.{}", options.get_port()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::<State>::default();
        let of_connections = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((server, _)) = listener.accept().await {
                tokio::spawn(Connection::pass(server, socket.clone(), Arc::clone(&of_connections)));
            }
        });
        Self { address, state }
    }

    /// The URL with which the server connects to the database of `options` over this link.
    pub fn url(&self, options: &PgConnectOptions) -> String {
        let database = options.get_database().expect("a database");
        format!("postgres://{}@{}/{database}?sslmode=disable", options.get_username(), self.address)
    }

    /// Holds back messages of the server, beginning with the first that contains `needle`.
    pub fn hold(&self, needle: &'static str) {
        self.state.held.send_replace(Some(needle));
    }

    /// Delivers the messages that were held back.
    pub fn release(&self) {
        self.state.held.send_replace(None);
    }

    /// Delays each message of the server from now on.
    pub fn slow_down(&self, delay: Duration) {
        *self.state.delay.lock().expect("no panic") = delay;
    }

    /// Loses the next write of payments after `passed` others. If a write is a transaction of several messages, `needle`
    /// selects one of them.
    pub fn strike(&self, loss: Loss, passed: u32, needle: &'static str) {
        *self.state.needle.lock().expect("no panic") = needle;
        self.state.struck.store(false, Ordering::SeqCst);
        *self.state.loss.lock().expect("no panic") = Some((loss, passed));
    }

    pub fn has_struck(&self) -> bool {
        self.state.struck.load(Ordering::SeqCst)
    }

    /// Waits until this many sessions have ended, and Postgres has finished their last messages.
    pub async fn until_ended(&self, connections: u32) {
        until("Postgres has finished the late messages", async || {
            self.state.ended.load(Ordering::SeqCst) >= connections
        })
        .await;
    }
}

struct Connection {
    state: Arc<State>,
    /// Whether this session has written payments.
    writes: bool,
}

impl Connection {
    async fn pass(server: TcpStream, socket: PathBuf, state: Arc<State>) {
        let Ok(postgres) = UnixStream::connect(socket).await else { return };
        server.set_nodelay(true).ok();
        let mut connection = Self { state: Arc::clone(&state), writes: false };
        let (mut from_server, mut to_server) = server.into_split();
        let (mut from_postgres, mut to_postgres) = postgres.into_split();
        let mut held = state.held.subscribe();
        let (mut said, mut answered) = (vec![0; 1 << 20], vec![0; 1 << 20]);
        loop {
            tokio::select! {
                read = from_server.read(&mut said) => {
                    let count = read.unwrap_or(0);
                    // The server's own tasks write, too, but to tables of theirs.
                    let inserts = |table| contains(&said[..count], table);
                    connection.writes |= inserts("insert into ") && !inserts("insert into pull");
                    if connection.writes {
                        let message = &said[..count];
                        if held.wait_for(|held| held.is_none_or(|needle| !contains(message, needle))).await.is_err() {
                            return;
                        }
                        let delay = *state.delay.lock().expect("no panic");
                        tokio::time::sleep(delay).await;
                    }
                    if count == 0 {
                        return connection.finish(from_postgres, to_postgres).await;
                    }
                    if let Some(loss) = connection.loss_of(&said[..count]) {
                        if !matches!(loss, Loss::Statement(..)) {
                            to_postgres.write_all(&said[..count]).await.ok();
                            read_answer(&mut from_postgres).await;
                        }
                        let ends = match loss {
                            Loss::Cut => true,
                            Loss::Answer(severity, code) | Loss::Statement(severity, code) => {
                                to_server.write_all(&error(severity, code)).await.ok();
                                severity != "ERROR"
                            }
                        };
                        state.struck.store(true, Ordering::SeqCst);
                        if ends { return }
                    } else if to_postgres.write_all(&said[..count]).await.is_err() {
                        return;
                    }
                }
                read = from_postgres.read(&mut answered) => {
                    let count = read.unwrap_or(0);
                    if count == 0 || to_server.write_all(&answered[..count]).await.is_err() { return }
                }
            }
        }
    }

    /// The loss that this message of the server meets.
    fn loss_of(&self, message: &[u8]) -> Option<Loss> {
        let needle = *self.state.needle.lock().expect("no panic");
        if !self.writes || !contains(message, needle) {
            return None;
        }
        let mut loss = self.state.loss.lock().expect("no panic");
        match loss.take() {
            Some((what, 0)) => Some(what),
            Some((what, passed)) => {
                *loss = Some((what, passed - 1));
                None
            }
            None => None,
        }
    }

    /// The server has closed its side. Postgres still gets all its messages, as after a stalled network.
    async fn finish(self, mut from_postgres: OwnedReadHalf, to_postgres: OwnedWriteHalf) {
        drop(to_postgres);
        let mut rest = Vec::new();
        from_postgres.read_to_end(&mut rest).await.ok();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.writes {
            self.state.ended.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn contains(message: &[u8], needle: &str) -> bool {
    needle.is_empty() || message.windows(needle.len()).any(|part| part == needle.as_bytes())
}

/// Reads the answer until Postgres is ready for the next query (PostgreSQL documentation, section 55.7).
async fn read_answer(from_postgres: &mut OwnedReadHalf) {
    let mut answer = Vec::new();
    while !matches!(answer[..].last_chunk(), Some([b'Z', 0, 0, 0, 5, _])) {
        if from_postgres.read_buf(&mut answer).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

/// An `ErrorResponse`. After an `ERROR` the session continues, so `ReadyForQuery` follows (PostgreSQL documentation,
/// section 55.7).
fn error(severity: &str, code: &str) -> Vec<u8> {
    let fields = format!("S{severity}\0V{severity}\0C{code}\0Mlost\0\0");
    let length = u32::try_from(fields.len() + 4).expect("short").to_be_bytes();
    let mut message = [b"E".as_slice(), &length, fields.as_bytes()].concat();
    if severity == "ERROR" {
        message.extend(b"Z\0\0\0\x05I");
    }
    message
}
