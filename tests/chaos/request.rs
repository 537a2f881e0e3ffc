//! Reads the requests of a socket: as much of HTTP/1.1 as deliveries need.

use anyhow::{Context, ensure};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// More than a delivery has.
const MAX_HEADERS: usize = 32;

/// A socket, and what was read of it beyond the last request.
pub struct Requests {
    pub socket: TcpStream,
    unread: Vec<u8>,
}

impl Requests {
    pub fn new(socket: TcpStream) -> Self {
        Self { socket, unread: Vec::new() }
    }

    /// The headers of the next request.
    ///
    /// # Errors
    /// When the socket was closed, or this is not HTTP.
    pub async fn headers(&mut self) -> anyhow::Result<HeaderMap> {
        loop {
            if let Some((headers, length)) = parse(&self.unread)? {
                self.unread.drain(..length);
                return Ok(headers);
            }
            self.read().await?;
        }
    }

    /// The body that follows these headers.
    ///
    /// # Errors
    /// When the socket was closed, or the length is not given.
    pub async fn body(&mut self, headers: &HeaderMap) -> anyhow::Result<Vec<u8>> {
        let length: usize = headers.get("content-length").context("no length")?.to_str()?.parse()?;
        while self.unread.len() < length {
            self.read().await?;
        }
        Ok(self.unread.drain(..length).collect())
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        ensure!(self.socket.read_buf(&mut self.unread).await? > 0, "closed");
        Ok(())
    }
}

/// The headers and the length of a whole head.
fn parse(bytes: &[u8]) -> anyhow::Result<Option<(HeaderMap, usize)>> {
    let mut parsed = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut parsed);
    let httparse::Status::Complete(length) = request.parse(bytes)? else { return Ok(None) };
    let mut headers = HeaderMap::new();
    for header in request.headers {
        headers.append(HeaderName::from_bytes(header.name.as_bytes())?, HeaderValue::from_bytes(header.value)?);
    }
    Ok(Some((headers, length)))
}
