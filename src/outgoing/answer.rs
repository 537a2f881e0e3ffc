//! The answer to a call, read under a limit.

use std::io::{self, ErrorKind, Write};

use axum::body::Bytes;
use axum::http::header::{CONTENT_ENCODING, DATE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use chrono::{DateTime, Utc};
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::body::Incoming;

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
    /// The body, decompressed.
    pub body: Bytes,
}

impl Answer {
    /// Reads a body of at most `limit` bytes after decompression.
    pub(super) async fn read(response: Response<Incoming>, limit: usize) -> Result<Self, Error> {
        let (head, mut body) = response.into_parts();
        let mut decoder = Decoder::new(head.headers.get(CONTENT_ENCODING), limit)?;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                Error::after(Kind::Interrupted, format!("the answer ended before it was whole: {error}"))
            })?;
            if let Ok(data) = frame.into_data() {
                decoder.write(&data).map_err(|error| unreadable(&error, limit))?;
            }
        }
        let body = decoder.finish().map_err(|error| unreadable(&error, limit))?;
        let date = head.headers.get(DATE).and_then(|value| value.to_str().ok());
        let date = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok()).map(|date| date.to_utc());
        Ok(Self { status: head.status, headers: head.headers, date, body: body.into() })
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
