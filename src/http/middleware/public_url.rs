//! Where clients find the server: behind a proxy that is another address than the one where it listens.
//!
//! The operator says it; no header of a request is believed for it, since anybody can write one.

use std::str::FromStr;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::problem::invalid_head::is_host;

/// What a text that is refused should have been.
const WANTED: &str = "write https://host or https://host/prefix, without user, query and fragment";

/// An `http` or `https` URL without the slash at its end, under which the paths of the routes stand; or nothing, and
/// paths stand for themselves.
#[derive(Debug, Clone, Default)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The URL, if there is one.
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
        // `Uri` drops a fragment and takes some bytes beyond ASCII.
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(WANTED);
        }
        let url = text.strip_suffix('/').unwrap_or(text);
        let uri: Uri = url.parse().map_err(|_| WANTED)?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        let has_host = uri.authority().is_some_and(|authority| is_host(authority.as_str().as_bytes()));
        let mut prefix = uri.path().strip_prefix('/').unwrap_or_default().split('/');
        // A client or a proxy would write such a path in another way.
        let is_plain = uri.path() == "/" || prefix.all(|segment| !matches!(segment, "" | "." | ".."));
        if is_http && has_host && is_plain && uri.query().is_none() { Ok(Self(url.to_owned())) } else { Err(WANTED) }
    }
}

/// The layer: a path in `Location` becomes a URL that the client can reach.
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
