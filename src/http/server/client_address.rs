//! The address of a client, also behind proxies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use crate::domain::AddressBlocks;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of the socket; an extension of every request that came through one.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Proxies whose `X-Forwarded-For` is trusted. None by default, because any client can set that header.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    blocks: AddressBlocks,
    /// Whether the warning about an ignored header was logged. All clones share it.
    has_warned: Arc<AtomicBool>,
}

impl FromStr for TrustedProxies {
    type Err = String;

    /// Parses addresses and CIDR blocks, separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self { blocks: text.parse()?, has_warned: Arc::default() })
    }
}

impl TrustedProxies {
    /// The address of the client: in `X-Forwarded-For`, the first address from the right that is not a trusted proxy. Each
    /// proxy appends the address of its own client; anybody may have written the addresses left of that.
    #[must_use]
    pub fn client_of(&self, parts: &Parts) -> IpAddr {
        // Requests without a peer address share one bucket; they are not exempt.
        let peer = parts.extensions.get().map_or(Ipv4Addr::UNSPECIFIED.into(), |&Peer(address)| canonical(address));
        if !self.contains(peer) && parts.headers.contains_key(FORWARDED_FOR) {
            self.warn_once(peer);
        }
        let mut client = peer;
        let mut hops = hops(&parts.headers);
        while self.contains(client) {
            match hops.next() {
                Some(Some(hop)) => client = hop,
                // The end of the header, or text that no trusted proxy would write: the last known address counts.
                Some(None) | None => break,
            }
        }
        client
    }

    /// Whether an address belongs to a trusted proxy.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.blocks.contains(address)
    }

    /// Behind a proxy that is not configured, all clients share one address. The header itself is not logged, because a
    /// client may have written it.
    fn warn_once(&self, peer: IpAddr) {
        if !self.has_warned.load(Ordering::Relaxed) && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "X-Forwarded-For of this peer is ignored; if it is your proxy, add it to UNIBOOKS_TRUSTED_PROXIES"
            );
        }
    }
}

/// The addresses of the header from the right; `None` for text that is no address.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(',')).map(|hop| {
        let hop = hop.trim();
        // Some proxies add the port, and brackets with it.
        let bare = hop.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(hop, |(address, _)| address);
        let address = bare.parse().or_else(|_| bare.parse::<std::net::SocketAddr>().map(|socket| socket.ip()));
        address.ok().map(canonical)
    })
}

/// Turns an IPv4-mapped IPv6 address into IPv4.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The addresses that one client typically has: one IPv4 address, or an IPv6 block with a prefix of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn client(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
        let mut request = Request::builder().extension(Peer(peer.parse().expect("an address")));
        for line in forwarded {
            request = request.header(FORWARDED_FOR, *line);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        trusted.parse::<TrustedProxies>().expect("blocks").client_of(&parts).to_string()
    }

    #[test]
    fn header_of_an_untrusted_peer_is_ignored() {
        assert_eq!(client("", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("", "::ffff:192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn trusted_hops_are_skipped_from_the_right_and_no_further() {
        let trusted = "10.0.0.0/8, 2001:db8::1, ::ffff:172.16.0.1";
        assert_eq!(client(trusted, "10.1.2.3", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(trusted, "2001:db8::1", &["203.0.113.66, 198.51.100.7", "10.9.9.9"]), "198.51.100.7");
        assert_eq!(client(trusted, "172.16.0.1", &["198.51.100.7:4711"]), "198.51.100.7");
        assert_eq!(client(trusted, "10.1.2.3", &["[2001:db8::2]:4711"]), "2001:db8::2");
        assert_eq!(client(trusted, "10.1.2.3", &["10.1.1.1"]), "10.1.1.1", "a client within the trusted network");
    }

    #[test]
    fn block_of_mapped_addresses_means_its_ipv4_block() {
        let trusted = "::ffff:10.0.0.0/104";
        assert_eq!(client(trusted, "10.1.2.3", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(trusted, "::ffff:10.1.2.3", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(trusted, "11.1.2.3", &["198.51.100.7"]), "11.1.2.3");
    }

    #[test]
    fn malformed_address_ends_the_search() {
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &["198.51.100.7, unknown, 10.7.7.7"]), "10.7.7.7");
        assert_eq!(client("10.0.0.0/8", "10.1.2.3", &[""]), "10.1.2.3");
    }

    #[test]
    fn malformed_proxy_address_is_refused() {
        for text in ["proxy.example", "10.0.0.0/33", "10.0.0.1, x", "::ffff:10.0.0.0/95"] {
            assert!(text.parse::<TrustedProxies>().is_err(), "{text}");
        }
    }

    #[test]
    fn ipv6_clients_are_known_by_their_first_64_bits() {
        let network = |text: &str| Network::from(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(network("2001:db8:1:2::3"), network("2001:db8:1:2:ffff::"));
        assert_ne!(network("2001:db8:1:2::3"), network("2001:db8:1:3::3"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
