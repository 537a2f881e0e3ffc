//! What the commands for API keys and for connections share.

use chrono::{DateTime, Utc};
use clap::Args;

use super::database::DatabaseArguments;
use super::{expires_at, output};
use crate::domain::ProjectId;
use crate::management::{Credential, Error};

/// What `create` takes for both.
#[derive(Debug, Args)]
pub struct CreateArguments {
    /// The project that it is for
    #[arg(long, value_name = "ID")]
    pub project: ProjectId,
    /// When it expires: 2030-01-31 (00:00 UTC of that day) or 2030-01-31T12:00:00+02:00
    #[arg(long, value_name = "TIME", value_parser = expires_at::parse)]
    pub expires_at: Option<DateTime<Utc>>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub database: DatabaseArguments,
}

/// What `list` takes for both.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Only those of this project
    #[arg(long, value_name = "ID")]
    pub project: Option<ProjectId>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub database: DatabaseArguments,
}

/// Why it was not created, with the command that helps.
pub fn explain(error: Error) -> anyhow::Error {
    match error {
        Error::NoSuchProject(_) => anyhow::anyhow!("{error}; see `project list`"),
        Error::Database(error) => error.into(),
    }
}

/// The end of the secret, as a column of a list.
pub fn last_four(credential: &Credential) -> String {
    format!("…{}", credential.last_four)
}

/// The heading of [`times`].
pub const TIMES: [&str; 4] = ["CREATED (UTC)", "LAST USED", "EXPIRES", "REVOKED"];

/// The times, as the last columns of a list.
pub fn times(credential: &Credential) -> [String; 4] {
    let Credential { created_at, last_used_at, expires_at, revoked_at, .. } = *credential;
    [Some(created_at), last_used_at, expires_at, revoked_at].map(output::minute)
}
