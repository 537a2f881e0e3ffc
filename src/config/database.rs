//! Settings of the database.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

use crate::db::{DatabaseOptions, PoolerMode, parse_url};

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
    /// The most sessions of Postgres at a time; a tenth writes new payments, a quarter is for lists
    #[arg(long, env = "UNIBOOKS_DATABASE_POOL_SIZE", default_value_t = 10, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(4..=1000))]
    pub database_pool_size: u32,

    /// How long to wait for a session of Postgres, and how long one statement may take
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
            max_connections: self.database_pool_size,
            timeout: Duration::from_secs(self.database_timeout),
            pooling: self.database_pooling,
        }
    }
}
