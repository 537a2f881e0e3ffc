//! Settings of the database.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

use crate::db::{DatabaseOptions, PoolerMode, parse_url};

/// Where the database is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseUrl {
    /// The database, as `postgres://user:password@host:port/database`
    ///
    /// Required by every command that takes it. Prefer the environment: other users of the machine can see flags.
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
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// The most sessions that this process keeps with Postgres
    ///
    /// A tenth of them writes new payments, a quarter is for lists, a quarter for what no client waits for, such as
    /// deliveries of events. The rest is for everything else.
    #[arg(long, env = "UNIBOOKS_DATABASE_POOL_SIZE", default_value_t = 10, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(5..=1000))]
    pub database_pool_size: u32,

    /// How long one statement may take, and how long it may wait for a session from the pool
    #[arg(long, env = "UNIBOOKS_DATABASE_TIMEOUT", default_value_t = 5, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=600))]
    pub database_timeout: u64,

    /// Whether each database session belongs to this process
    ///
    /// `transaction` is for a pooler in transaction mode between this server and Postgres; see docs/scaling.md.
    #[arg(long, env = "UNIBOOKS_DATABASE_POOLING", default_value = "session", value_name = "MODE")]
    pub database_pooling: PoolerMode,
}

impl DatabaseSettings {
    /// The options for a database at `connect`.
    #[must_use]
    pub fn options(&self, connect: PgConnectOptions) -> DatabaseOptions {
        DatabaseOptions {
            connect,
            pool_size: self.database_pool_size,
            timeout: Duration::from_secs(self.database_timeout),
            pooling: self.database_pooling,
        }
    }
}
