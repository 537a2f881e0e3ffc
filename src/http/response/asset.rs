//! Static files: compressed once, cached by browsers. Never used for data of a caller: that must not be cached, and the
//! length of a compressed response could reveal its content.

use std::io::Write;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// A file, plain and compressed.
#[derive(Debug)]
pub struct Asset {
    plain: Representation,
    gzip: Representation,
    content_type: HeaderValue,
    cache_control: &'static str,
}

/// One representation of the file (RFC 9110 section 3.2).
#[derive(Debug)]
struct Representation {
    bytes: Bytes,
    /// A strong entity tag (RFC 9110 section 8.8.3).
    tag: HeaderValue,
}

impl Representation {
    fn new(bytes: Bytes) -> Self {
        let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&bytes));
        // A header value can hold any base64, so this does not fail.
        let tag = HeaderValue::try_from(format!("\"{digest}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        Self { bytes, tag }
    }
}

impl Asset {
    /// Compresses a file. `cache_control` is the header of its responses.
    #[must_use]
    pub fn new(bytes: Vec<u8>, content_type: &str, cache_control: &'static str) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail; if it did, all clients would get the plain file.
        let compressed = encoder.write_all(&bytes).and_then(|()| encoder.finish());
        let plain = Bytes::from(bytes);
        let gzip = compressed.map_or_else(|_| plain.clone(), Bytes::from);
        let unknown = || HeaderValue::from_static("application/octet-stream");
        let content_type = HeaderValue::try_from(content_type).unwrap_or_else(|_| unknown());
        Self { plain: Representation::new(plain), gzip: Representation::new(gzip), content_type, cache_control }
    }

    /// The response to a request with these headers: compressed if the client accepts it and it is shorter, and 304
    /// without the file if the client has it already.
    #[must_use]
    pub fn respond(&self, request: &HeaderMap) -> Response {
        let is_shorter = self.gzip.bytes.len() < self.plain.bytes.len();
        let representation = if is_shorter && accepts_gzip(request) { &self.gzip } else { &self.plain };
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(header::ETAG, representation.tag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache_control));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if is_known(request, &representation.tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        if std::ptr::eq(representation, &raw const self.gzip) {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        *response.body_mut() = representation.bytes.clone().into();
        response
    }
}

/// The elements of a list header (RFC 9110 section 5.6.1).
fn elements(request: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = request.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Whether `Accept-Encoding` names gzip and does not refuse it with the weight 0 (RFC 9110 section 12.5.3).
fn accepts_gzip(request: &HeaderMap) -> bool {
    elements(request, header::ACCEPT_ENCODING).any(|element| {
        let (coding, weight) = element.split_once(';').unwrap_or((element, "q=1"));
        let weight = weight.trim().trim_start_matches(['q', 'Q']).trim_start_matches('=');
        let is_refused = !weight.contains(|digit: char| ('1'..='9').contains(&digit));
        coding.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

/// Whether `If-None-Match` contains the tag, by weak comparison (RFC 9110 section 13.1.2).
fn is_known(request: &HeaderMap, tag: &HeaderValue) -> bool {
    elements(request, header::IF_NONE_MATCH).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_to_clients_that_accept_it() {
        for (accepted, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("deflate, gzip; q=1.0", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000, br", false),
            ("identity", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
            assert_eq!(accepts_gzip(&headers), expected, "{accepted}");
        }
    }
}
