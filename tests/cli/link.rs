//! A link between server and Postgres. On connections that write payments it can hold what the server says, slow it
//! down, and lose an answer.

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

/// What happens to the answer to a statement.
#[derive(Debug, Clone, Copy)]
pub enum Loss {
    /// Postgres has done the statement. The server hears this severity and code instead, as from a pooler.
    Answer(&'static str, &'static str),
    /// The statement never reaches Postgres. The server hears this severity and code.
    Statement(&'static str, &'static str),
    /// Postgres has done the statement. The connection closes without a word.
    Cut,
}

/// A listening link. Its connections end with the runtime.
pub struct Link {
    pub address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// What the server says waits when it contains this.
    held: watch::Sender<Option<&'static str>>,
    /// How long each message of the server takes.
    delay: Mutex<Duration>,
    /// What strikes, and how many statements it lets pass before.
    loss: Mutex<Option<(Loss, u32)>>,
    /// What the statement must contain; empty for each that follows an insert on its connection.
    needle: Mutex<&'static str>,
    struck: AtomicBool,
    /// Pool that wrote payments and are done with what was said on them.
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

    /// How the server reaches the database of `options` over this link.
    pub fn url(&self, options: &PgConnectOptions) -> String {
        let database = options.get_database().expect("a database");
        format!("postgres://{}@{}/{database}?sslmode=disable", options.get_username(), self.address)
    }

    /// Holds what the server says from now on, beginning with what contains `needle`.
    pub fn hold(&self, needle: &'static str) {
        self.state.held.send_replace(Some(needle));
    }

    /// Delivers what was held.
    pub fn release(&self) {
        self.state.held.send_replace(None);
    }

    /// Lets each message of the server take so long from now on.
    pub fn slow_down(&self, delay: Duration) {
        *self.state.delay.lock().expect("no panic") = delay;
    }

    /// Strikes the next write of payments after `passed` others. Where a write is a transaction of several messages,
    /// `needle` names the one to strike.
    pub fn strike(&self, loss: Loss, passed: u32, needle: &'static str) {
        *self.state.needle.lock().expect("no panic") = needle;
        self.state.struck.store(false, Ordering::SeqCst);
        *self.state.loss.lock().expect("no panic") = Some((loss, passed));
    }

    pub fn has_struck(&self) -> bool {
        self.state.struck.load(Ordering::SeqCst)
    }

    /// Waits until Postgres is done with what a server that is gone had said.
    pub async fn until_ended(&self, connections: u32) {
        until("the late words were heard", async || self.state.ended.load(Ordering::SeqCst) >= connections).await;
    }
}

struct Connection {
    state: Arc<State>,
    /// Whether payments are written on it.
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
                    connection.writes |= contains(&said[..count], "insert into payment");
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

    /// What strikes a message of the server.
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

    /// The server is gone. What it said is heard all the same, as after a stalled network.
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

/// Reads what Postgres answers until it is ready for the next query (PostgreSQL documentation, section 55.7).
async fn read_answer(from_postgres: &mut OwnedReadHalf) {
    let mut answer = Vec::new();
    while !matches!(answer[..].last_chunk(), Some([b'Z', 0, 0, 0, 5, _])) {
        if from_postgres.read_buf(&mut answer).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

/// An `ErrorResponse`, and after an `ERROR` that the session goes on (PostgreSQL documentation, section 55.8).
fn error(severity: &str, code: &str) -> Vec<u8> {
    let fields = format!("S{severity}\0V{severity}\0C{code}\0Mlost\0\0");
    let length = u32::try_from(fields.len() + 4).expect("short").to_be_bytes();
    let mut message = [b"E".as_slice(), &length, fields.as_bytes()].concat();
    if severity == "ERROR" {
        message.extend(b"Z\0\0\0\x05I");
    }
    message
}
