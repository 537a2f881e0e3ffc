//! Names that resolve to addresses that may not be called.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use unibooks::outgoing::{Client, Kind, Resolver, Sent};

use crate::peer::{Peer, Then, answer};
use crate::{failure, options, post};

/// A client for which every name has the addresses that `looks` gives at its first look, its second and so on.
fn client(networks: &str, looks: impl Fn(usize) -> &'static str + Send + Sync + 'static) -> (Client, Arc<AtomicUsize>) {
    let count = Arc::<AtomicUsize>::default();
    let own = Arc::clone(&count);
    let resolver = Resolver::new(move |_| {
        let addresses = looks(own.fetch_add(1, Ordering::SeqCst)).split_whitespace();
        Ok(addresses.map(|address| address.parse::<IpAddr>().expect("an address")).collect())
    });
    (Client::with_resolver(&options(networks), resolver).expect("a client"), count)
}

#[tokio::test]
async fn name_of_an_address_that_is_not_public_is_refused() {
    let peer = Peer::start(answer("", b"{}"), Then::Close).await;
    for addresses in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "10.0.0.1 ::ffff:127.0.0.1 ::1",
    ] {
        let (client, _) = client("", move |_| addresses);
        for scheme in ["http", "https"] {
            let url = peer.url(scheme, "books.example");
            assert_eq!(failure(&client, &url).await, (Kind::NotAllowed, Sent::No), "{scheme} {addresses}");
            let checked = client.check_reach(&url).await.expect_err("an error");
            assert_eq!(checked.kind, Kind::NotAllowed, "{scheme} {addresses}");
        }
    }
    let (nowhere, _) = client("", |_| "");
    assert_eq!(failure(&nowhere, "https://books.example/").await, (Kind::NotResolved, Sent::No));
    assert_eq!(peer.sockets(), 0);
}

#[tokio::test]
async fn of_a_name_only_the_allowed_addresses_are_called() {
    let peer = Peer::start(answer("", b"{}"), Then::Close).await;
    let (client, _) = client("127.0.0.1", |_| "::ffff:127.0.0.2 127.0.0.2 127.0.0.1");
    let url = peer.url("http", "books.example");
    post(&client, &url).await.expect("an answer");
    assert_eq!(peer.called(), [Ipv4Addr::LOCALHOST]);
    let (unlisted, _) = self::client("127.0.0.1", |_| "::ffff:127.0.0.2 127.0.0.2");
    assert_eq!(failure(&unlisted, &url).await, (Kind::NotAllowed, Sent::No));
}

#[tokio::test]
async fn checked_address_is_the_one_that_is_called() {
    let peer = Peer::start(answer("", b"{}"), Then::Close).await;
    let (client, looks) = client("127.0.0.1", |look| if look % 2 == 0 { "127.0.0.1" } else { "127.0.0.2" });
    let url = peer.url("http", "books.example");
    post(&client, &url).await.expect("an answer");
    assert_eq!(looks.load(Ordering::SeqCst), 1, "one look for the check and the call");
    assert_eq!(failure(&client, &url).await, (Kind::NotAllowed, Sent::No));
    post(&client, &url).await.expect("an answer");
    assert_eq!(peer.called(), [Ipv4Addr::LOCALHOST; 2]);
}
