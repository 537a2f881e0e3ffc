//! `unibooks healthcheck`: the health check of a container, whose image has neither a shell nor curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use axum::body::Body;
use axum::http::Uri;
use clap::Args;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Where the server listens
    #[arg(long, env = "UNIBOOKS_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let address = reachable(arguments.listen);
    let uri: Uri = format!("http://{address}/readyz").parse()?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let answer = tokio::time::timeout(Duration::from_secs(3), client.get(uri))
        .await
        .with_context(|| format!("no answer from {address} within 3 seconds"))?
        .with_context(|| format!("no answer from {address}"))?;
    anyhow::ensure!(answer.status().is_success(), "the server at {address} is not ready: {}", answer.status());
    Ok(())
}

/// The address to call a server at that listens at `address`: the loopback one, if it listens on all interfaces.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}
