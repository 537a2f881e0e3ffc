//! A Postgres of the system under test, which is killed and started again.

use std::path::PathBuf;

use anyhow::Context;
use rustix::process::Signal;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use unibooks::db::private::{self, PrivatePostgres};

use crate::processes::{children, postmaster, signal};

/// A Postgres with its folder.
pub struct Node {
    /// `None` while it is killed or stopped.
    postgres: Option<PrivatePostgres>,
    folder: PathBuf,
    settings: Vec<(String, String)>,
}

impl Node {
    /// Starts a new one in a folder.
    pub async fn start(folder: PathBuf, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut node = Self { postgres: None, folder, settings };
        node.restart().await?;
        Ok(node)
    }

    /// The running server.
    pub fn running(&self) -> anyhow::Result<&PrivatePostgres> {
        self.postgres.as_ref().context("Postgres is away")
    }

    /// How to connect without a proxy.
    pub fn connect_options(&self) -> anyhow::Result<PgConnectOptions> {
        Ok(self.running()?.connect_options())
    }

    /// Whether it accepts sessions. It does not while it recovers.
    pub async fn is_ready(&self) -> bool {
        let Ok(options) = self.connect_options() else { return false };
        PgConnection::connect_with(&options).await.is_ok()
    }

    /// The processes that the postmaster has started.
    pub fn processes(&self) -> Vec<u32> {
        postmaster(&self.data_directory()).map(children).unwrap_or_default()
    }

    /// Kills all processes at once, as a power failure would; but what the kernel has buffered is not lost.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(postmaster) = postmaster(&self.data_directory()) {
            // The postmaster is stopped first, so that it starts no backend between the listing and the kill. A backend
            // that waits for a startup packet would live a minute longer, and Postgres could not start meanwhile.
            signal(postmaster, Signal::STOP);
            let backends = children(postmaster);
            signal(postmaster, Signal::KILL);
            for backend in backends {
                signal(backend, Signal::KILL);
            }
        }
        // Its supervisor notices the end, too.
        self.stop().await
    }

    /// A fast shutdown.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        Ok(self.postgres.take().context("Postgres is away")?.stop().await?)
    }

    /// Starts it again after it was killed or stopped.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        let (data_dir, settings) = (self.folder.clone(), self.settings.clone());
        let options = private::Options { data_dir, binaries: None, settings };
        self.postgres = Some(PrivatePostgres::start(options).await?);
        Ok(())
    }

    /// Starts it again if it has ended by itself. Postgres ends if the process that recovers it is killed.
    pub async fn supervise(&mut self) -> anyhow::Result<()> {
        if postmaster(&self.data_directory()).is_none() {
            self.postgres = None;
            self.restart().await?;
        }
        Ok(())
    }

    fn data_directory(&self) -> PathBuf {
        self.folder.join("postgres")
    }
}
