//! Settings of the HTTP server.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::HeaderValue;
use clap::{Args, FromArgMatches};

use crate::http::limits::rate_limit::Quota;
use crate::http::middleware::layers;
use crate::http::middleware::public_url::PublicUrl;
use crate::http::request::Limits;
use crate::http::server::client_address::TrustedProxies;

/// The section of the settings that bound times and numbers.
const LIMITS: &str = "Timeouts and limits";

/// How the server listens and answers.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerSettings {
    /// The address of the API; port 0 takes a free port
    ///
    /// The command `healthcheck` asks at this address.
    #[arg(long, env = "UNIBOOKS_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,

    /// The address of `/metrics`; port 0 takes a free port
    #[arg(long, env = "UNIBOOKS_METRICS_LISTEN", default_value = "127.0.0.1:9464", value_name = "ADDRESS:PORT")]
    pub metrics_listen: SocketAddr,

    /// The timeout of one answer
    ///
    /// The head of a request must arrive within two thirds of it, and so must the body.
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_REQUEST_TIMEOUT", default_value_t = 15, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub request_timeout: u64,

    /// How long an idle client connection is kept open for its next request
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_KEEP_ALIVE_TIMEOUT", default_value_t = 75,
          value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub keep_alive_timeout: u64,

    /// The most client connections at a time
    ///
    /// One more takes the place of an idle one. Where none is idle, it is answered 503 and closed.
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_MAX_CLIENT_CONNECTIONS", default_value_t = 4_096,
          value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_client_connections: u32,

    /// The most requests at a time whose bodies have arrived
    ///
    /// A request above it is answered 503 at once.
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_MAX_REQUESTS", default_value_t = 512, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_requests: u32,

    /// The most create calls of a connection that wait for its accounting software at a time
    ///
    /// One more is answered at once: 201 with `remote_status` `pending`.
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_MAX_WAITING_CALLS", default_value_t = 32, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub max_waiting_calls: u32,

    /// The most streams of events at a time
    ///
    /// They are no part of `--max-requests`. Each is a client connection, too. One more is answered 503.
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_MAX_STREAMS", default_value_t = 1_000, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_streams: u32,

    /// How long requests in flight may take to finish after SIGTERM
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_SHUTDOWN_TIMEOUT", default_value_t = 30, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub shutdown_timeout: u64,

    /// The largest request body
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_MAX_BODY_BYTES", default_value_t = 1_048_576,
          value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1024..=67_108_864))]
    pub max_body_bytes: u32,

    /// The most line items of a payment
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_MAX_LINE_ITEMS", default_value_t = 1_000, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_line_items: u32,

    /// The requests that an API key may make, as `count/seconds`, or `off`
    ///
    /// `600/60` allows 600 requests at once, then ten a second. The largest quota is `1000000/86400`.
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_RATE_LIMIT", default_value = "off", value_name = "QUOTA",
          value_parser = quota)]
    pub rate_limit: RateLimit,

    /// The failed look-ups of keys and tokens that a client address may cause, as `count/seconds`, or `off`
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_FAILED_AUTH_LIMIT", default_value = "60/60",
          value_name = "QUOTA", value_parser = quota)]
    pub failed_auth_limit: RateLimit,

    /// How long events are kept
    ///
    /// Older ones are in no feed and are not delivered any more.
    #[arg(long, help_heading = LIMITS, env = "UNIBOOKS_EVENT_RETENTION", default_value_t = 30, value_name = "DAYS",
          value_parser = clap::value_parser!(u64).range(1..=365))]
    pub event_retention: u64,

    /// Proxies whose `X-Forwarded-For` is trusted: addresses and blocks, separated by commas
    ///
    /// For example `10.0.0.0/8,2001:db8::1`. None by default, because any client can set that header.
    #[arg(
        long,
        env = "UNIBOOKS_TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true,
        value_name = "ADDRESSES"
    )]
    pub trusted_proxies: TrustedProxies,

    /// The URL of the API as clients see it, with the path prefix of a proxy before it
    ///
    /// For example `https://example.com/books`. It is used in `Location` and in the OpenAPI document. Without it both
    /// have paths only.
    #[arg(long, env = "UNIBOOKS_PUBLIC_URL", default_value = "", hide_default_value = true, value_name = "URL")]
    pub public_url: PublicUrl,

    /// Web origins that may call the API, separated by commas
    ///
    /// For example `https://app.example.com`. Without it CORS is off.
    #[arg(long, env = "UNIBOOKS_CORS_ORIGINS", default_value = "", hide_default_value = true, value_name = "ORIGINS",
          value_parser = origins)]
    pub cors_origins: Origins,
}

impl Default for ServerSettings {
    /// What the declaration above says, without the environment.
    fn default() -> Self {
        let command = Self::augment_args(clap::Command::new("defaults")).mut_args(|arg| arg.env(None::<&str>));
        let matches = command.get_matches_from(["defaults"]);
        Self::from_arg_matches(&matches).expect("every server setting has a default")
    }
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
    /// What the layers around the routes need.
    #[must_use]
    pub fn layers(&self) -> layers::Options {
        layers::Options {
            request_timeout: Duration::from_secs(self.request_timeout),
            cors_origins: self.cors_origins.0.clone(),
            public_url: self.public_url.clone(),
        }
    }

    /// How long events are kept.
    #[must_use]
    pub fn event_retention(&self) -> Duration {
        Duration::from_hours(24 * self.event_retention)
    }

    /// The limits on one request.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            max_body_bytes: self.max_body_bytes as usize,
            max_line_items: self.max_line_items as usize,
            // Less than the whole, so that a stalled body has its own answer, and does not look like a stalled server.
            body_timeout: Duration::from_secs(self.request_timeout) * 2 / 3,
        }
    }
}
