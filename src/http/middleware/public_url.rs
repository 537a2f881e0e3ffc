//! The URL of the server for clients. Behind a proxy it differs from the address on which the server listens.
//!
//! It is a setting. Request headers are not used for it, because any client can set them.

use std::str::FromStr;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::problem::invalid_head::is_host;

/// The expected form, for the error message.
const EXPECTED: &str = "write https://host or https://host/prefix, without user, query and fragment";

/// An `http` or `https` URL without a slash at the end, to which the paths of the routes are appended. If it is empty,
/// responses contain paths only.
#[derive(Debug, Clone, Default)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The URL, if it is set.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        // `Uri` drops a fragment and accepts some bytes beyond ASCII.
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(EXPECTED);
        }
        let url = text.strip_suffix('/').unwrap_or(text);
        let uri: Uri = url.parse().map_err(|_| EXPECTED)?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        let has_host = uri.authority().is_some_and(|authority| is_host(authority.as_str().as_bytes()));
        let mut prefix = uri.path().strip_prefix('/').unwrap_or_default().split('/');
        // Clients and proxies normalise `.`, `..` and empty segments.
        let is_plain = uri.path() == "/" || prefix.all(|segment| !matches!(segment, "" | "." | ".."));
        if is_http && has_host && is_plain && uri.query().is_none() { Ok(Self(url.to_owned())) } else { Err(EXPECTED) }
    }
}

/// The layer. It turns a path in `Location` into a URL that the client can reach.
pub async fn locate(State(PublicUrl(url)): State<PublicUrl>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(location) = response.headers_mut().get_mut(header::LOCATION)
        && location.as_bytes().starts_with(b"/")
        && let Ok(located) = HeaderValue::from_bytes(&[url.as_bytes(), location.as_bytes()].concat())
    {
        *location = located;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_urls_are_public_urls() {
        for (text, url) in [
            ("https://api.example", "https://api.example"),
            ("https://api.example/", "https://api.example"),
            ("http://127.0.0.1:8080/books", "http://127.0.0.1:8080/books"),
            ("https://[::1]:443/a/b/", "https://[::1]:443/a/b"),
        ] {
            let read = text.parse::<PublicUrl>().expect("a URL");
            assert_eq!(read.get(), Some(url));
        }
        assert_eq!("".parse::<PublicUrl>().expect("none").get(), None);
        for text in [
            "api.example",
            "/books",
            "ftp://api.example",
            "https://",
            "https:///books",
            "https://me@api.example",
            "https://api.example:port",
            "https://api.example?a=b",
            "https://api.example/books#a",
            "https://api.example/b c",
            "https://api.example/b\u{e9}",
            "https://api.example//books",
            "https://api.example/books//",
            "https://api.example/../books",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}
