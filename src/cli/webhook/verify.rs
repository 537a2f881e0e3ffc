//! `unibooks webhook verify`

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use secrecy::ExposeSecret;

use super::headers;
use crate::cli::output;
use crate::cli::secret::Wanted;
use crate::domain::Clock;
use crate::webhooks::signature::VerifyingKey;

/// What is wanted.
const WANTED: Wanted =
    Wanted { name: "secret of the endpoint", option: "--secret-file", variable: "UNIBOOKS_WEBHOOK_SECRET" };
/// How old a delivery may be when a library of Standard Webhooks verifies it.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

#[derive(Debug, Args)]
pub struct Arguments {
    /// The file with the body, byte for byte as it arrived
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// The file with the headers, one a line
    #[arg(long, value_name = "FILE")]
    headers: PathBuf,
    /// A file with the secret of the endpoint
    ///
    /// Without it: the variable `UNIBOOKS_WEBHOOK_SECRET`, or a question at the terminal.
    #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
    secret_file: Option<PathBuf>,
    /// The public key of the endpoint, for the signature `v1a`
    #[arg(long, value_name = "whpk_…")]
    public_key: Option<String>,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { body, headers, secret_file, public_key } = arguments;
    let body = read("--body", &body)?;
    let headers = read("--headers", &headers)?;
    let headers = headers::parse(&String::from_utf8_lossy(&headers));
    let key = if let Some(key) = public_key {
        VerifyingKey::parse(&key).context("--public-key is not `whpk_` and 32 bytes in base64")?
    } else {
        let secret = WANTED.read(secret_file.as_deref()).await?;
        let key = VerifyingKey::parse(secret.expose_secret());
        key.context("the secret of the endpoint is not `whsec_` and 32 bytes in base64")?
    };
    match key.verify(&headers, &body) {
        Ok(sent_at) => output::line(format_args!("valid  {}", age(sent_at, Clock::system().now()))),
        Err(fault) => bail!("the signature is not valid: {fault}"),
    }
}

fn read(option: &str, file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("{option} {} cannot be read", file.display()))
}

/// When it was sent, and whether a receiver would take it now.
fn age(sent_at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let sent = sent_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let away = (now - sent_at).abs();
    if away <= TOLERANCE {
        return format!("sent at {sent}");
    }
    format!("sent at {sent}; receivers refuse it now, because they allow {} minutes", TOLERANCE.num_minutes())
}
