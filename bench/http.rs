//! A minimal HTTP/1.1 client over one persistent socket. It must be cheap: the load generator shares the cores with the
//! server that it measures.

use std::io;
use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The initial buffer in bytes: enough for a head and most bodies. It grows for larger answers.
const BUFFER_SIZE: usize = 4096;
const MAX_HEADERS: usize = 32;

/// A client connection to the server.
pub struct ClientConnection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The parts of an answer that are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    pub status: u16,
    /// Whether it has the header `idempotent-replayed: true`.
    pub replayed: bool,
    /// Whether the server closes the socket after it.
    pub is_last: bool,
    pub body: &'a [u8],
}

/// The parsed head of an answer.
struct Head {
    status: u16,
    replayed: bool,
    is_last: bool,
    /// The offset of the body in the buffer.
    body: usize,
    /// The offset of the answer's end.
    end: usize,
}

impl ClientConnection {
    /// Connects to a server.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_SIZE] })
    }

    /// Sends a request and reads its answer to the end.
    pub async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await.context("the server closed a connection")?;
        let mut filled = 0;
        let mut head = None;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof)).context("the server closed a connection");
            }
            filled += read;
            if head.is_none() {
                head = Head::parse(&self.buffer[..filled])?;
            }
            match &head {
                Some(Head { end, .. }) if *end < filled => bail!("there are bytes after the answer"),
                Some(Head { status, replayed, is_last, body, end }) if *end == filled => {
                    let (status, replayed, is_last) = (*status, *replayed, *is_last);
                    return Ok(Answer { status, replayed, is_last, body: &self.buffer[*body..*end] });
                }
                Some(Head { end, .. }) if *end > self.buffer.len() => self.buffer.resize(*end, 0),
                None if filled == self.buffer.len() => self.buffer.resize(2 * filled, 0),
                _ => {}
            }
        }
    }
}

impl Head {
    /// Parses a head; `None` if it is incomplete.
    fn parse(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(body) = response.parse(bytes)? else { return Ok(None) };
        let header = |name: &str| {
            let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.and_then(|header| std::str::from_utf8(header.value).ok())
        };
        let length: usize = header("content-length").context("an answer without content-length")?.parse()?;
        let status = response.code.context("an answer without status")?;
        let replayed = header("idempotent-replayed") == Some("true");
        let is_last = header("connection") == Some("close");
        Ok(Some(Self { status, replayed, is_last, body, end: body + length }))
    }
}
