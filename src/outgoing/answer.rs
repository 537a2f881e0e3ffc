//! The answer to a call, read under a limit.

use std::io::{self, ErrorKind, Write};

use axum::body::Bytes;
use axum::http::header::{CONTENT_ENCODING, DATE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use chrono::{DateTime, Utc};
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::error::{Error, Kind};

/// The whole answer to a call.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status. Any: a redirect is not followed but answered.
    pub status: StatusCode,
    /// The headers as the server sent them.
    pub headers: HeaderMap,
    /// The server's own time when it answered (RFC 9110 section 6.6.1).
    pub date: Option<DateTime<Utc>>,
    /// The body as far as it was read.
    pub body: Bytes,
}

/// How much of an answer's body is read.
#[derive(Debug, Clone, Copy)]
pub enum BodyLimit {
    /// All of it, and at most so many bytes after decompression. Anything else is an error.
    Whole(usize),
    /// So many bytes of its beginning, without decompression. The status alone counts: a body that is larger, slow or
    /// broken off is no error.
    Beginning(usize),
}

impl BodyLimit {
    /// The compression that is asked for (RFC 9110 section 12.5.3).
    pub(super) fn encoding(self) -> &'static str {
        match self {
            Self::Whole(_) => "gzip",
            Self::Beginning(_) => "identity",
        }
    }
}

impl Answer {
    /// Reads the body until `end`. A body that is not read to its end closes the socket.
    pub(super) async fn read(
        response: Response<Incoming>,
        limit: BodyLimit,
        end: Instant,
        late: impl FnOnce() -> Error,
    ) -> Result<Self, Error> {
        let (head, body) = response.into_parts();
        let body = match limit {
            BodyLimit::Whole(limit) => {
                let whole = whole(body, head.headers.get(CONTENT_ENCODING), limit);
                timeout_at(end, whole).await.unwrap_or_else(|_| Err(late()))?
            }
            BodyLimit::Beginning(limit) => {
                let mut bytes = Vec::new();
                let _ = timeout_at(end, beginning(body, &mut bytes, limit)).await;
                bytes
            }
        };
        let date = head.headers.get(DATE).and_then(|value| value.to_str().ok());
        let date = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok()).map(|date| date.to_utc());
        Ok(Self { status: head.status, headers: head.headers, date, body: body.into() })
    }
}

/// A body of at most `limit` bytes after decompression.
async fn whole(mut body: Incoming, encoding: Option<&HeaderValue>, limit: usize) -> Result<Vec<u8>, Error> {
    let mut decoder = Decoder::new(encoding, limit)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Error::after(Kind::Interrupted, format!("the answer ended before it was whole: {error}"))
        })?;
        if let Ok(data) = frame.into_data() {
            decoder.write(&data).map_err(|error| unreadable(&error, limit))?;
        }
    }
    decoder.finish().map_err(|error| unreadable(&error, limit))
}

/// The first `limit` bytes of a body. One that ends there is read to its end, so that the socket serves the next call.
async fn beginning(mut body: Incoming, bytes: &mut Vec<u8>, limit: usize) {
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        let rest = limit - bytes.len();
        bytes.extend_from_slice(&data[..data.len().min(rest)]);
        if data.len() > rest {
            return;
        }
    }
}

fn unreadable(error: &io::Error, limit: usize) -> Error {
    if error.kind() == ErrorKind::FileTooLarge {
        Error::after(Kind::TooLarge, format!("the answer has more than {limit} bytes"))
    } else {
        Error::after(Kind::Malformed, format!("the answer cannot be decompressed: {error}"))
    }
}

/// Undoes the compression of a body piece by piece, so that a small body that becomes huge stops at the limit.
enum Decoder {
    Identity(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
    /// No byte of a compressed body came yet. The answer to HEAD and an empty body never begin.
    GzipBeforeStart(Bounded),
}

impl Decoder {
    fn new(encoding: Option<&HeaderValue>, limit: usize) -> Result<Self, Error> {
        let bounded = Bounded { bytes: Vec::new(), limit };
        let name = encoding.map_or("identity", |value| value.to_str().unwrap_or("?")).trim();
        match name.to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity(bounded)),
            "gzip" | "x-gzip" => Ok(Self::GzipBeforeStart(bounded)),
            // Nothing else was asked for.
            _ => Err(Error::after(Kind::Malformed, "the answer has a compression that was not asked for")),
        }
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        if let Self::GzipBeforeStart(bounded) = self
            && !data.is_empty()
        {
            *self = Self::Gzip(Box::new(MultiGzDecoder::new(std::mem::take(bounded))));
        }
        match self {
            Self::Identity(bounded) | Self::GzipBeforeStart(bounded) => bounded.write_all(data),
            Self::Gzip(decoder) => decoder.write_all(data),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity(bounded) | Self::GzipBeforeStart(bounded) => Ok(bounded.bytes),
            Self::Gzip(decoder) => Ok(decoder.finish()?.bytes),
        }
    }
}

/// Bytes in memory up to a limit.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Bounded {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.len() > self.limit - self.bytes.len() {
            return Err(ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
