//! Settings of the calls to accounting software, and of the credentials for them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use crate::management::connections::Access;
use crate::outgoing::{self, BodyLimit, Networks};
use crate::sealed::SealingKeys;
use crate::sync;

/// How long it may take to reach accounting software, before a request is sent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read. A page of a thousand invoices has less than a quarter of it.
const MAX_ANSWER_BYTES: usize = 16 * 1_024 * 1_024;
/// The most unused sockets that are kept for each accounting program.
const MAX_IDLE_PER_HOST: usize = 4;

/// What connectors may reach, and what opens their credentials.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connectors")]
pub struct ConnectorSettings {
    /// The keys that seal the stored credentials of accounting software, separated by commas
    ///
    /// Each is 32 bytes in base64, as `openssl rand -base64 32` prints them. The first one seals, all of them open. `dev`
    /// makes one of its own. Prefer the environment: other users of the machine can see flags.
    #[arg(long, env = "UNIBOOKS_SEALING_KEYS", hide_env_values = true, value_name = "KEYS")]
    sealing_keys: Option<SecretString>,

    /// Networks that connectors may call beside public addresses: addresses and blocks, separated by commas
    ///
    /// For example `10.1.0.0/16,2001:db8::1`. Only there a connector may call without TLS. Without it `dev` allows this
    /// machine (`127.0.0.0/8,::1`), and `serve` nothing.
    #[arg(long, env = "UNIBOOKS_CONNECTOR_NETWORKS", value_name = "ADDRESSES")]
    connector_networks: Option<Networks>,

    /// A PEM file of certificates that connectors trust beside those of the operating system
    #[arg(long, env = "UNIBOOKS_CONNECTOR_CA_FILE", value_name = "FILE")]
    connector_ca_file: Option<PathBuf>,

    /// The age from which a payment is not written into accounting software by itself
    ///
    /// Somebody may have booked it by hand meanwhile. It is looked up once more, and then it waits for a person.
    #[arg(long, env = "UNIBOOKS_MAX_WRITE_AGE", default_value_t = 86_400, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(60..=31_536_000))]
    max_write_age: u64,

    /// How often contacts, invoices and accounts of each connection are read from its accounting software
    #[arg(long, env = "UNIBOOKS_SYNC_INTERVAL", default_value_t = 900, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(60..=86_400))]
    sync_interval: u64,
}

impl ConnectorSettings {
    /// The way to accounting software. `networks` may be called where the setting is missing.
    ///
    /// # Errors
    /// When the keys or the file of certificates cannot be used.
    pub fn access(&self, networks: Networks) -> anyhow::Result<Access> {
        Ok(Access::new(self.sealing_keys()?, self.client(networks)?))
    }

    /// What writes into accounting software and pulls need beside `access`.
    #[must_use]
    pub fn remote(&self, access: Access) -> sync::Settings {
        let (max_age, interval) = (Duration::from_secs(self.max_write_age), Duration::from_secs(self.sync_interval));
        sync::Settings { access, max_age, interval }
    }

    /// The sealing keys, where some are set.
    ///
    /// # Errors
    /// When the setting is no list of keys. The message never holds one.
    pub fn sealing_keys(&self) -> anyhow::Result<Option<SealingKeys>> {
        let text = self.sealing_keys.as_ref().map(ExposeSecret::expose_secret).filter(|text| !text.is_empty());
        text.map(str::parse).transpose().context("UNIBOOKS_SEALING_KEYS cannot be used")
    }

    /// The client of all connectors. `networks` may be called where the setting is missing.
    ///
    /// # Errors
    /// When the file of certificates cannot be used.
    pub fn client(&self, networks: Networks) -> anyhow::Result<outgoing::Client> {
        let options = outgoing::Options {
            networks: self.connector_networks.clone().unwrap_or(networks),
            networks_setting: "UNIBOOKS_CONNECTOR_NETWORKS",
            ca_file: self.connector_ca_file.clone(),
            connect_timeout: CONNECT_TIMEOUT,
            answer_limit: BodyLimit::Whole(MAX_ANSWER_BYTES),
            max_idle_per_host: MAX_IDLE_PER_HOST,
        };
        outgoing::Client::new(&options).with_context(|| {
            let file = self.connector_ca_file.as_deref().unwrap_or_else(|| "".as_ref());
            format!("the file {} of UNIBOOKS_CONNECTOR_CA_FILE cannot be used", file.display())
        })
    }
}
