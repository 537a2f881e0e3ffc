//! Every setting, declared once: its flag, its environment variable, its default, its help.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use axum::http::HeaderValue;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

use crate::db::{DatabaseOptions, PoolerMode, parse_url};
use crate::http::limits::rate_limit::Quota;
use crate::http::middleware::public_url::PublicUrl;
use crate::http::request::Limits;
use crate::http::server::client_address::TrustedProxies;
use crate::telemetry::LogFormat;

/// Where the database is.
#[derive(Debug, Args)]
pub struct DatabaseUrl {
    /// Postgres, as postgres://user:password@host:port/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretString>,
}

impl DatabaseUrl {
    /// Reads the address.
    ///
    /// # Errors
    /// When it is not set or is no address. The message never holds it: it may have a password in it.
    pub fn parse(&self) -> anyhow::Result<PgConnectOptions> {
        let url = self.database_url.as_ref().map(ExposeSecret::expose_secret).filter(|url| !url.is_empty()).context(
            "DATABASE_URL is not set; set it to postgres://user:password@host:port/database, or try `unibooks dev`, \
             which brings its own Postgres",
        )?;
        parse_url(url)
    }
}

/// How the database is used.
#[derive(Debug, Clone, Args)]
pub struct DatabaseSettings {
    /// The most database connections at a time; a tenth writes new payments, a quarter is for lists
    #[arg(long, env = "UNIBOOKS_DATABASE_CONNECTIONS", default_value_t = 10, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(4..=1000))]
    pub database_connections: u32,

    /// How long to wait for a database connection, and how long one statement may take
    #[arg(long, env = "UNIBOOKS_DATABASE_TIMEOUT", default_value_t = 5, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=600))]
    pub database_timeout: u64,

    /// How sessions of Postgres are shared
    #[arg(long, env = "UNIBOOKS_DATABASE_POOLING", default_value = "session", value_name = "MODE")]
    pub database_pooling: PoolerMode,
}

impl DatabaseSettings {
    /// The options for a database at `connect`.
    #[must_use]
    pub fn options(&self, connect: PgConnectOptions) -> DatabaseOptions {
        DatabaseOptions {
            connect,
            max_connections: self.database_connections,
            timeout: Duration::from_secs(self.database_timeout),
            pooling: self.database_pooling,
        }
    }
}

/// How the server listens and answers.
#[derive(Debug, Clone, Args)]
pub struct ServerSettings {
    /// Where the API listens; port 0 takes a free one
    #[arg(long, env = "UNIBOOKS_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,

    /// Where `/metrics` listens
    #[arg(long, env = "UNIBOOKS_METRICS_LISTEN", default_value = "127.0.0.1:9464", value_name = "ADDRESS:PORT")]
    pub metrics_listen: SocketAddr,

    /// How long one answer may take
    #[arg(long, env = "UNIBOOKS_REQUEST_TIMEOUT", default_value_t = 15, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub request_timeout: u64,

    /// How long a connection is kept for the client's next request
    #[arg(long, env = "UNIBOOKS_KEEP_ALIVE_TIMEOUT", default_value_t = 75, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub keep_alive_timeout: u64,

    /// The most connections at a time; what is above takes the place of an idle one, or is answered 503 and closed
    #[arg(long, env = "UNIBOOKS_MAX_CONNECTIONS", default_value_t = 4_096, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,

    /// The most requests at a time whose bodies have arrived; what is above is answered 503
    #[arg(long, env = "UNIBOOKS_MAX_REQUESTS", default_value_t = 512, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_requests: u32,

    /// How long requests in flight may take to end after SIGTERM
    #[arg(long, env = "UNIBOOKS_SHUTDOWN_TIMEOUT", default_value_t = 30, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub shutdown_timeout: u64,

    /// The largest request body
    #[arg(long, env = "UNIBOOKS_MAX_BODY_BYTES", default_value_t = 1_048_576, value_name = "BYTES",
          value_parser = clap::value_parser!(u32).range(1024..=67_108_864))]
    pub max_body_bytes: u32,

    /// The most line items of a payment
    #[arg(long, env = "UNIBOOKS_MAX_LINE_ITEMS", default_value_t = 1_000, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_line_items: u32,

    /// How many requests an API key may make, as count/seconds: 600/60 are 600 at once, then ten a second; or `off`
    #[arg(long, env = "UNIBOOKS_RATE_LIMIT", default_value = "off", value_name = "QUOTA", value_parser = quota)]
    pub rate_limit: RateLimit,

    /// How many failed look-ups of keys and tokens an address may cause, as count/seconds; or `off`
    #[arg(long, env = "UNIBOOKS_FAILED_AUTH_LIMIT", default_value = "60/60", value_name = "QUOTA",
          value_parser = quota)]
    pub failed_auth_limit: RateLimit,

    /// Proxies whose `X-Forwarded-For` is believed: addresses and blocks, separated by commas; none when not set
    #[arg(
        long,
        env = "UNIBOOKS_TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true,
        value_name = "ADDRESSES"
    )]
    pub trusted_proxies: TrustedProxies,

    /// Where clients reach the API, when a proxy shows it elsewhere: a URL, with the proxy's path prefix if it has one
    #[arg(long, env = "UNIBOOKS_PUBLIC_URL", default_value = "", hide_default_value = true, value_name = "URL")]
    pub public_url: PublicUrl,

    /// Web origins that may call the API, separated by commas; none when not set
    #[arg(long, env = "UNIBOOKS_CORS_ORIGINS", default_value = "", hide_default_value = true, value_name = "ORIGINS",
          value_parser = origins)]
    pub cors_origins: Origins,
}

/// A quota, or none.
#[derive(Debug, Clone, Copy)]
pub struct RateLimit(pub Option<Quota>);

fn quota(text: &str) -> Result<RateLimit, String> {
    if text == "off" { Ok(RateLimit(None)) } else { text.parse().map(|quota| RateLimit(Some(quota))) }
}

/// Web origins that may call the API.
#[derive(Debug, Clone)]
pub struct Origins(pub Vec<HeaderValue>);

fn origins(text: &str) -> Result<Origins, String> {
    let written = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    let origins = written.map(|origin| {
        let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        match (rest, HeaderValue::from_str(origin)) {
            (Some(host), Ok(value)) if !host.is_empty() && !host.contains('/') => Ok(value),
            _ => Err(format!("`{origin}` is not an origin; write https://host or http://host:port")),
        }
    });
    origins.collect::<Result<_, _>>().map(Origins)
}

impl ServerSettings {
    /// The limits on one request.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            max_body_bytes: self.max_body_bytes as usize,
            max_line_items: self.max_line_items as usize,
            // Less than the whole, so that a body that stalls is told apart from a server that does.
            body_timeout: Duration::from_secs(self.request_timeout) * 2 / 3,
        }
    }
}

/// What is logged, and how.
#[derive(Debug, Clone, Args)]
pub struct LogSettings {
    /// What to log: a level, or a filter like `unibooks=debug,sqlx=warn`
    #[arg(long, env = "UNIBOOKS_LOG", default_value = "info", global = true, value_name = "FILTER")]
    pub log: String,

    /// How to log
    #[arg(long, env = "UNIBOOKS_LOG_FORMAT", default_value = "auto", global = true, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// Where a private Postgres lives.
#[derive(Debug, Clone, Args)]
pub struct DevSettings {
    /// Where the database and the demo credentials are kept; ~/.local/share/unibooks when not set
    #[arg(long, env = "UNIBOOKS_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,

    /// The folder that holds `postgres` and `initdb`; searched for when not set
    #[arg(long, env = "UNIBOOKS_POSTGRES_BIN", value_name = "FOLDER")]
    pub postgres_bin: Option<PathBuf>,
}

/// A demo project on a server with a database of its own.
#[derive(Debug, Clone, Args)]
pub struct DemoSettings {
    /// Make a demo project, print a `curl` for it, and keep its credentials in this file; not for production
    #[arg(long, env = "UNIBOOKS_DEMO_FILE", value_name = "FILE")]
    pub demo_file: Option<PathBuf>,
}
