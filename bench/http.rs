//! HTTP/1.1 over one kept connection, as lean as it gets: the load generator shares its cores with what it measures.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Room for the head of an answer and most bodies; larger ones make it grow once.
const BUFFER: usize = 4096;
const MOST_HEADERS: usize = 32;

/// A connection to the server.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What matters of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    pub status: u16,
    /// Whether it said `idempotent-replayed: true`.
    pub replayed: bool,
    pub body: &'a [u8],
}

struct Head {
    status: u16,
    replayed: bool,
    /// Where the body begins.
    body: usize,
    /// Where the answer ends.
    end: usize,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER] })
    }

    /// Sends a request and reads its answer to the end.
    pub async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await.context("the server closed a connection")?;
        let mut filled = 0;
        let mut head = None;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(read > 0, "the server closed a connection instead of answering");
            filled += read;
            if head.is_none() {
                head = Head::parse(&self.buffer[..filled])?;
            }
            match &head {
                Some(Head { end, .. }) if *end < filled => bail!("more came than the answer"),
                Some(Head { status, replayed, body, end }) if *end == filled => {
                    return Ok(Answer { status: *status, replayed: *replayed, body: &self.buffer[*body..*end] });
                }
                Some(Head { end, .. }) if *end > self.buffer.len() => self.buffer.resize(*end, 0),
                None if filled == self.buffer.len() => self.buffer.resize(2 * filled, 0),
                _ => {}
            }
        }
    }
}

impl Head {
    /// `None` until all of it has arrived.
    fn parse(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(body) = response.parse(bytes)? else { return Ok(None) };
        let header = |name: &str| {
            let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.and_then(|header| std::str::from_utf8(header.value).ok())
        };
        let length: usize = header("content-length").context("an answer without content-length")?.parse()?;
        let status = response.code.context("an answer without status")?;
        Ok(Some(Self { status, replayed: header("idempotent-replayed") == Some("true"), body, end: body + length }))
    }
}
