//! The address of an endpoint.

use std::str::FromStr;

use axum::http::Uri;
use axum::http::uri::Scheme;
use serde::Serialize;

use crate::domain::ParseError;
use crate::outgoing::check_url;

/// An absolute URL that begins with `https://` or `http://`, without user, password and fragment. Whether its host may
/// be called is seen when its name is resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct EndpointUrl(String);

impl EndpointUrl {
    /// The most characters. Intermediaries rarely take longer ones (RFC 9110 section 4.1).
    const MAX_LENGTH: usize = 2_048;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL without its query, which may hold a secret, for logs.
    #[must_use]
    pub fn without_query(&self) -> &str {
        self.0.split('?').next().unwrap_or_default()
    }
}

impl FromStr for EndpointUrl {
    type Err = ParseError;

    /// The errors never quote the text: there may be a password in it.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let invalid = |detail: &str| Err(ParseError::new("invalid_url", detail));
        if text.len() > Self::MAX_LENGTH {
            return Err(ParseError::new("too_long", format!("longer than {} characters", Self::MAX_LENGTH)));
        }
        if text.contains('#') {
            return invalid("a fragment (`#…`) is never sent to a server; leave it out");
        }
        match text.parse::<Uri>() {
            Ok(uri) if uri.scheme().is_some_and(|scheme| *scheme == Scheme::HTTPS || *scheme == Scheme::HTTP) => {}
            _ => return invalid("write a whole URL, like https://example.com/webhooks"),
        }
        match check_url(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(error) => invalid(&error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn url_is_absolute_without_credentials_and_fragment() {
        for good in
            ["https://example.com", "https://example.com:8443/a?b=c", "http://[::1]:3000/", "HTTPS://a.example/"]
        {
            assert!(good.parse::<EndpointUrl>().is_ok(), "{good}");
        }
        let long = format!("https://example.com/{}", "a".repeat(2_048));
        for bad in [
            "",
            "example.com",
            "/hooks",
            "//example.com/hooks",
            "ftp://example.com/",
            "https://",
            "https:///hooks",
            "https://user:secret@example.com/",
            "https://user@example.com/",
            "https://example.com/#secret",
            "https://example.com/a b",
            "https://exämple.com/",
            "javascript:alert(1)",
            &long,
        ] {
            let error = bad.parse::<EndpointUrl>().expect_err(bad);
            assert!(!error.detail.contains("secret"), "{error}");
        }
    }

    #[test]
    fn query_is_not_logged() {
        let url: EndpointUrl = "https://example.com/hooks?token=secret".parse().expect("a URL");
        assert_eq!(url.without_query(), "https://example.com/hooks");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(https?://)?\\PC*") {
            let _ = text.parse::<EndpointUrl>();
        }
    }
}
