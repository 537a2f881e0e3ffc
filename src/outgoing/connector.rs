//! Opens the socket of a call: name, address, TCP, TLS.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::Scheme;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tower::Service;

use super::error::{Error, Kind};
use super::networks::Networks;
use super::resolver::Resolver;

/// Opens sockets for the HTTP client, only to addresses that may be called.
#[derive(Clone)]
pub(super) struct Connector {
    pub resolver: Resolver,
    pub networks: Arc<Networks>,
    /// The setting that lists them, for the texts of refusals.
    pub networks_setting: &'static str,
    pub tls: TlsConnector,
    /// How long it may take until the request can be sent.
    pub limit: Duration,
}

/// A socket with TLS or without.
pub trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

impl Connection for Box<dyn Socket> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("networks", &self.networks).finish_non_exhaustive()
    }
}

/// The name or the address in a URL. IPv6 addresses have brackets there only.
fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

fn has_tls(uri: &Uri) -> bool {
    uri.scheme() != Some(&Scheme::HTTP)
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Socket>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let limit = connector.limit;
            let host = uri.host().unwrap_or_default();
            let late = |_| {
                let detail = format!("no connection to {host} within {} seconds", limit.as_secs());
                Err(Error::before(Kind::Timeout, detail))
            };
            timeout(limit, connector.connect(&uri)).await.unwrap_or_else(late).map(TokioIo::new)
        })
    }
}

impl Connector {
    /// Whether there is an address that may be called. Opens no socket.
    pub async fn check_reach(&self, uri: &Uri) -> Result<(), Error> {
        let late = |_| {
            let detail = format!("the name {} was not resolved within {} seconds", host(uri), self.limit.as_secs());
            Err(Error::before(Kind::NotResolved, detail))
        };
        timeout(self.limit, self.resolve(uri)).await.unwrap_or_else(late).map(drop)
    }

    async fn connect(&self, uri: &Uri) -> Result<Box<dyn Socket>, Error> {
        let host = host(uri);
        let addresses = self.resolve(uri).await?;
        if !has_tls(uri) {
            return Ok(Box::new(self.open(host, &addresses).await?));
        }
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::before(Kind::InvalidUrl, format!("{host} is neither a name nor an address")))?;
        let socket = self.open(host, &addresses).await?;
        let refused = |error| Error::before(Kind::Tls, format!("no TLS with {host}: {error}"));
        Ok(Box::new(self.tls.connect(name, socket).await.map_err(refused)?))
    }

    /// The addresses of a URL that may be called, the preferred one first. A host that is an address already comes the
    /// same way.
    async fn resolve(&self, uri: &Uri) -> Result<Vec<SocketAddr>, Error> {
        let (host, has_tls) = (host(uri), has_tls(uri));
        let port = uri.port_u16().unwrap_or(if has_tls { 443 } else { 80 });
        let unknown = |reason: &dyn std::fmt::Display| {
            Error::before(Kind::NotResolved, format!("the name {host} cannot be resolved: {reason}"))
        };
        let found = self.resolver.resolve(host, port).await.map_err(|error| unknown(&error))?;
        let Some(first) = found.first().map(SocketAddr::ip) else { return Err(unknown(&"it has no address")) };
        let may_call = |address: &SocketAddr| {
            if has_tls { self.networks.admits(address.ip()) } else { self.networks.lists(address.ip()) }
        };
        let allowed: Vec<_> = found.into_iter().filter(may_call).collect();
        if !allowed.is_empty() {
            return Ok(allowed);
        }
        let reason = if self.networks.admits(first) {
            "may be called over https only: its network is not in"
        } else {
            "may not be called: it is not public, and its network is not in"
        };
        let setting = self.networks_setting;
        Err(Error::before(Kind::NotAllowed, format!("{host} at the address {first} {reason} {setting}")))
    }

    /// Connects to the first address that accepts. Each has an equal share of the time, so that a silent one leaves time
    /// for the others.
    async fn open(&self, host: &str, addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
        let share = self.limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match timeout(share, TcpStream::connect(address)).await.unwrap_or_else(|late| Err(late.into())) {
                Ok(socket) => {
                    // A request is written at once; without this its end could wait for the answer to its beginning.
                    let _ = socket.set_nodelay(true);
                    return Ok(socket);
                }
                Err(error) => last = error,
            }
        }
        Err(Error::before(Kind::NotConnected, format!("no connection to {host}: {last}")))
    }
}
