//! `unibooks connection …`: connections, and the accounting software behind them.

mod chosen;
mod create;
mod list;
mod pause;
mod reseal;
mod revoke;
mod secret;
mod software;
mod update;

use clap::Subcommand;

use super::credential::ListArguments;
use chosen::Chosen;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a connection; its token is shown once
    Create(Box<create::Arguments>),
    /// Sign in to the accounting software of a connection, and say what it is and what is missing
    Check(software::Arguments),
    /// Make in the accounting software what its connector needs there; repeatable
    Setup(software::Arguments),
    /// Change the label of a connection, or how its accounting software is reached
    Update(Box<update::Arguments>),
    /// Stop all calls to the accounting software of a connection; its payments wait
    Pause(Chosen),
    /// Allow calls again, after `pause`
    Resume(Chosen),
    /// Seal all stored credentials, and the secrets of webhooks, with the first of the sealing keys
    Reseal(reseal::Arguments),
    /// List connections, without their tokens
    List(ListArguments),
    /// Revoke a connection's token, at once and for good; its payments stay
    Revoke(revoke::Arguments),
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(arguments) => create::run(*arguments).await,
        Command::Check(arguments) => software::check(arguments).await,
        Command::Setup(arguments) => software::setup(arguments).await,
        Command::Update(arguments) => update::run(*arguments).await,
        Command::Pause(chosen) => pause::pause(chosen).await,
        Command::Resume(chosen) => pause::resume(chosen).await,
        Command::Reseal(arguments) => reseal::run(arguments).await,
        Command::List(arguments) => list::run(arguments).await,
        Command::Revoke(arguments) => revoke::run(arguments).await,
    }
}
