//! Files that are the same for everybody: compressed once, kept by browsers. Never used for payments: they belong in no
//! cache, and the length of a compressed answer could tell what is in it.

use std::io::Write;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// A file, as it is and compressed.
#[derive(Debug)]
pub struct Asset {
    plain: Form,
    gzip: Form,
    content_type: HeaderValue,
    cache_control: &'static str,
}

#[derive(Debug)]
struct Form {
    bytes: Bytes,
    /// A strong entity tag (RFC 9110 section 8.8.3).
    tag: HeaderValue,
}

impl Form {
    fn new(bytes: Bytes) -> Self {
        let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&bytes));
        // Base64 is what a header can hold.
        let tag = HeaderValue::try_from(format!("\"{digest}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        Self { bytes, tag }
    }
}

impl Asset {
    /// Takes a file in. `cache_control` says how long it may be used without asking again.
    #[must_use]
    pub fn new(bytes: Vec<u8>, content_type: &str, cache_control: &'static str) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail; if it did, all clients would get the plain form.
        let compressed = encoder.write_all(&bytes).and_then(|()| encoder.finish());
        let plain = Bytes::from(bytes);
        let gzip = compressed.map_or_else(|_| plain.clone(), Bytes::from);
        let unknown = || HeaderValue::from_static("application/octet-stream");
        let content_type = HeaderValue::try_from(content_type).unwrap_or_else(|_| unknown());
        Self { plain: Form::new(plain), gzip: Form::new(gzip), content_type, cache_control }
    }

    /// The answer to a request with these headers: compressed where that is understood and shorter, and without the file
    /// where the client has it.
    #[must_use]
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let is_shorter = self.gzip.bytes.len() < self.plain.bytes.len();
        let form = if is_shorter && accepts_gzip(request) { &self.gzip } else { &self.plain };
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(header::ETAG, form.tag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache_control));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if is_known(request, &form.tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        if std::ptr::eq(form, &raw const self.gzip) {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        *response.body_mut() = form.bytes.clone().into();
        response
    }
}

/// The elements of a header that is a list.
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

/// Whether `If-None-Match` names a tag, in the weak comparison that it asks for (RFC 9110 section 13.1.2).
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
