//! The commands, a file each.

mod api_key;
mod configuration;
mod connection;
mod credential;
mod database;
mod demo;
mod dev;
mod env_file;
mod expires_at;
mod healthcheck;
mod migrate;
mod openapi;
mod output;
mod payment;
mod private_file;
mod project;
mod sealing;
mod secret;
mod serve;
mod sync;
mod webhook;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use self::configuration::{environment_variables, page as configuration_page};
use self::env_file::EnvFile;
use crate::config::{LogSettings, check_renamed};
use crate::telemetry;

/// A self-hostable unified accounting API server.
#[derive(Debug, Parser)]
#[command(name = "unibooks", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    log: LogSettings,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server on your own database
    Serve(serve::Arguments),
    /// Run the server with a private Postgres and a demo project: nothing to configure
    Dev(dev::Arguments),
    /// Bring the database's schema up to date
    Migrate(migrate::Arguments),
    /// Create and list projects
    #[command(subcommand)]
    Project(project::Command),
    /// Create, list and revoke API keys
    #[command(subcommand)]
    ApiKey(api_key::Command),
    /// Create, list and revoke connections
    #[command(subcommand)]
    Connection(connection::Command),
    /// Payments on their way into accounting software: list, retry, settle, cancel
    #[command(subcommand)]
    Payment(payment::Command),
    /// Read accounting software now
    #[command(subcommand)]
    Sync(sync::Command),
    /// Create, change and delete webhook endpoints; verify what one has received
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Print the OpenAPI document
    Openapi,
    /// Print docs/configuration.md
    #[command(hide = true)]
    Configuration,
    /// Ask a running server whether it is ready; exit code 0 when it is
    Healthcheck(healthcheck::Arguments),
}

/// Runs the program. An error ends it with one line on standard error and exit code 1, a wrong setting with 2.
#[must_use]
pub fn main() -> ExitCode {
    let env_file = env_file::load();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            eprintln!("{}", wrong_setting(&error));
            return ExitCode::from(2);
        }
        Err(help_or_version) => help_or_version.exit(),
    };
    if let Err(error) = &env_file
        && cli.command.needs_settings()
    {
        eprintln!("error: {}", one_line(&error.to_string()));
        return ExitCode::from(2);
    }
    if let Err(error) = check_renamed(|name| std::env::var_os(name).is_some())
        && cli.command.needs_settings()
    {
        eprintln!("error: {error}");
        return ExitCode::from(2);
    }
    let logging = match telemetry::init(&cli.log.log, cli.log.log_format) {
        Ok(logging) => logging,
        Err(error) => {
            eprintln!("{}", last_line(&error));
            return ExitCode::FAILURE;
        }
    };
    log_env_file(&env_file);
    match start(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Through the log's queue: after earlier log lines, and without waiting for a stalled reader.
            logging.line(&last_line(&error));
            ExitCode::FAILURE
        }
    }
}

impl Command {
    /// Whether it must not run when some settings cannot be read. The other commands have no setting that could do harm.
    fn needs_settings(&self) -> bool {
        !matches!(self, Self::Openapi | Self::Configuration | Self::Healthcheck(_))
    }
}

/// Logs the file and the names of its variables, never a value.
fn log_env_file(env_file: &Result<EnvFile, env_file::Error>) {
    match env_file {
        Ok(EnvFile { path: Some(path), names }) if !names.is_empty() => {
            tracing::info!(file = %path.display(), variables = names.join(", "), "settings were read from a file");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!("{}", one_line(&error.to_string())),
    }
}

fn start(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(command))
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(arguments) => Box::pin(serve::run(arguments)).await,
        Command::Dev(arguments) => dev::run(arguments).await,
        Command::Migrate(arguments) => migrate::run(arguments).await,
        Command::Project(command) => project::run(command).await,
        Command::ApiKey(command) => api_key::run(command).await,
        Command::Connection(command) => connection::run(command).await,
        Command::Payment(command) => payment::run(command).await,
        Command::Sync(command) => sync::run(command).await,
        Command::Webhook(command) => webhook::run(command).await,
        Command::Openapi => openapi::run(),
        Command::Configuration => configuration::run(),
        Command::Healthcheck(arguments) => healthcheck::run(arguments).await,
    }
}

/// The first paragraph of clap's message as one line.
fn wrong_setting(error: &clap::Error) -> String {
    let message = error.to_string();
    let first: Vec<_> = message.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    // Without a command, clap's message is the help.
    if first.first().is_some_and(|line| line.starts_with("error:")) { first.join(" ") } else { message }
}

/// Whether the reader of our output has closed it, like `head`. That is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The line that an error ends the program with.
fn last_line(error: &anyhow::Error) -> String {
    format!("error: {}", one_line(&with_causes(error)))
}

/// An error and its causes, without those that an earlier text includes.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        _ if text.contains(&cause) => text,
        _ => format!("{text}: {cause}"),
    })
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
