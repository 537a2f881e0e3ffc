//! Checks of the head of a request that HTTP/1.1 requires and hyper does not make (RFC 9112).
//!
//! If a server is more lenient than the proxy in front of it, an attacker can make it see another request, or another
//! host, than the proxy saw.

use std::net::Ipv6Addr;

use axum::http::{HeaderMap, Version, header};

/// Why the head of a request is refused; an extension of that request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHead {
    /// hyper could not parse it.
    #[error("the request line or a header is not valid HTTP/1.1 (RFC 9112)")]
    Unreadable,
    /// The request target is too long.
    #[error("the request target has more than 65,534 bytes")]
    TargetTooLong,
    /// The head is too large.
    #[error("the head has more than 64 KiB or more than 100 headers")]
    TooLarge,
    /// There is no `Host`, or more than one.
    #[error("a request must have exactly one `Host` header")]
    NotOneHost,
    /// The value of `Host` is not a host.
    #[error("the header `Host` is not of the form `host` or `host:port`")]
    InvalidHost,
    /// The body has a transfer coding that this server does not decode.
    #[error("the only supported `Transfer-Encoding` is `chunked`, once")]
    TransferCoding,
}

impl InvalidHead {
    /// Checks for errors that hyper ignores.
    ///
    /// # Errors
    /// The first error.
    pub fn check(version: Version, headers: &HeaderMap) -> Result<(), Self> {
        let mut hosts = headers.get_all(header::HOST).iter();
        match (hosts.next(), hosts.next()) {
            // HTTP/1.0 does not require the header.
            (None, None) if version < Version::HTTP_11 => {}
            (Some(host), None) if is_host(host.as_bytes()) => {}
            (Some(_), None) => return Err(Self::InvalidHost),
            _ => return Err(Self::NotOneHost),
        }
        let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
        match (codings.next(), codings.next()) {
            (None, None) => Ok(()),
            (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
            _ => Err(Self::TransferCoding),
        }
    }

    /// The error for which hyper responds with this status, if there is one.
    #[must_use]
    pub fn of_status(status: u16) -> Option<Self> {
        match status {
            400 => Some(Self::Unreadable),
            414 => Some(Self::TargetTooLong),
            431 => Some(Self::TooLarge),
            _ => None,
        }
    }
}

/// Whether the value of `Host` is `uri-host [ ":" port ]` (RFC 9110 section 7.2). The host must not be empty, as in every
/// `http` URL.
#[must_use]
pub fn is_host(value: &[u8]) -> bool {
    let Ok(value) = std::str::from_utf8(value) else { return false };
    let (is_valid, port) = if let Some(literal) = value.strip_prefix('[') {
        let Some((address, port)) = literal.split_once(']') else { return false };
        (address.parse::<Ipv6Addr>().is_ok(), port)
    } else {
        let (name, port) = value.split_at(value.find(':').unwrap_or(value.len()));
        (is_registered_name(name.as_bytes()), port)
    };
    let is_port =
        |port: &str| port.is_empty() || port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    is_valid && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

/// Whether this is a `reg-name` of at least one character (RFC 3986 section 3.2.2), which includes IPv4 addresses.
fn is_registered_name(mut name: &[u8]) -> bool {
    if name.is_empty() {
        return false;
    }
    while let [first, rest @ ..] = name {
        name = match (first, rest) {
            (b'%', [high, low, rest @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
            (byte, rest) if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte) => rest,
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_hosts_are_accepted() {
        for host in ["a", "a.example:8080", "my_service", "[::1]", "[2001:db8::1]:443", "127.0.0.1:", "caf%C3%A9"] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for text in ["", ":80", "a b", "a/b", "me@a", "a:b", "a:1:2", "a:65536", "a:+1", "[::1", "[a]", "[::1]80", "%2"]
        {
            assert!(!is_host(text.as_bytes()), "{text}");
        }
    }
}
