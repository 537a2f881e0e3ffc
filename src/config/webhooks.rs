//! Settings of the calls to webhook endpoints.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use crate::outgoing::{self, BodyLimit, Networks};

/// The bytes of an answer that are read.
const KEPT: usize = 1_024;
/// How long it may take to reach an endpoint, before a request is sent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most unused sockets that are kept for each endpoint.
const MAX_IDLE_PER_HOST: usize = 8;

/// What webhooks may reach.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Webhooks")]
pub struct WebhookSettings {
    /// Networks that webhooks may be sent to beside public addresses: addresses and blocks, separated by commas
    ///
    /// For example `10.1.0.0/16,2001:db8::1`. Only there a webhook may be sent without TLS. Without it `dev` allows this
    /// machine (`127.0.0.0/8,::1`), and `serve` nothing. The networks of connectors are no part of it.
    #[arg(long, env = "UNIBOOKS_WEBHOOK_NETWORKS", value_name = "ADDRESSES")]
    webhook_networks: Option<Networks>,

    /// A PEM file of certificates that webhooks trust beside those of the operating system
    #[arg(long, env = "UNIBOOKS_WEBHOOK_CA_FILE", value_name = "FILE")]
    webhook_ca_file: Option<PathBuf>,
}

impl WebhookSettings {
    /// The client of all deliveries. `networks` may be called where the setting is missing.
    ///
    /// # Errors
    /// When the file of certificates cannot be used.
    pub fn client(&self, networks: Networks) -> anyhow::Result<outgoing::Client> {
        let options = outgoing::Options {
            networks: self.webhook_networks.clone().unwrap_or(networks),
            networks_setting: "UNIBOOKS_WEBHOOK_NETWORKS",
            ca_file: self.webhook_ca_file.clone(),
            connect_timeout: CONNECT_TIMEOUT,
            answer_limit: BodyLimit::Beginning(KEPT),
            max_idle_per_host: MAX_IDLE_PER_HOST,
        };
        outgoing::Client::new(&options).with_context(|| {
            let file = self.webhook_ca_file.as_deref().unwrap_or_else(|| "".as_ref());
            format!("the file {} of UNIBOOKS_WEBHOOK_CA_FILE cannot be used", file.display())
        })
    }
}
