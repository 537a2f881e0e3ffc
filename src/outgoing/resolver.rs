//! How the addresses of a name are found.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::net::lookup_host;

/// Finds the addresses of names. It is a parameter so that tests decide when a name gets another address. Cheap to clone.
#[derive(Clone)]
pub struct Resolver(Arc<Look>);

type Look = dyn Fn(&str, u16) -> Found + Send + Sync;

/// The addresses of a name, each with the port that was asked for.
type Found = BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

impl Resolver {
    /// The machine's resolver. It prefers addresses as RFC 6724 says, and reads addresses in all forms of the C library.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(|name, port| {
            let name = name.to_owned();
            async move { Ok(lookup_host((name, port)).await?.collect()) }.boxed()
        }))
    }

    /// A resolver that asks `addresses` at each look.
    pub fn new(addresses: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |name, port| {
            let with_port = |address| SocketAddr::new(address, port);
            ready(addresses(name).map(|found| found.into_iter().map(with_port).collect())).boxed()
        }))
    }

    /// The addresses of a name at this moment, the preferred one first.
    pub(super) async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (self.0)(name, port).await
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
