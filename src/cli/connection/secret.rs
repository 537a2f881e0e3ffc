//! The password or API key for accounting software.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use crate::cli::secret::Wanted;

/// What is wanted.
const WANTED: Wanted =
    Wanted { name: "password or API key", option: "--secret-file", variable: "UNIBOOKS_CONNECTION_SECRET" };

/// Where the secret is.
#[derive(Debug, Args)]
pub struct SecretArguments {
    /// A file with the password or API key
    ///
    /// Without it: the variable `UNIBOOKS_CONNECTION_SECRET`, or a question at the terminal.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl SecretArguments {
    /// Whether a file is named.
    pub fn is_file(&self) -> bool {
        self.secret_file.is_some()
    }

    /// Whether the secret is there without a question.
    pub fn is_given(&self) -> bool {
        self.is_file() || std::env::var_os(WANTED.variable).is_some()
    }

    /// The secret.
    pub async fn read(&self) -> anyhow::Result<SecretString> {
        WANTED.read(self.secret_file.as_deref()).await
    }
}
