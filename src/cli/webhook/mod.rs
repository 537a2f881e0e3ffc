//! `unibooks webhook …`: the webhook endpoints of a project.

mod attempts;
mod chosen;
mod create;
mod delete;
mod event_stream;
mod headers;
mod list;
mod listen;
mod replay;
mod rotate;
mod test;
mod update;
mod verify;

use clap::Subcommand;

use chosen::Chosen;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a webhook endpoint; its secret is shown once
    Create(Box<create::Arguments>),
    /// List the webhook endpoints of a project, without their secrets
    List(Box<list::Arguments>),
    /// Change a webhook endpoint, pause or resume it
    Update(Box<update::Arguments>),
    /// Give a webhook endpoint a new secret; the old one signs for one more day
    Rotate(Box<Chosen>),
    /// Delete a webhook endpoint
    Delete(Box<Chosen>),
    /// Call a webhook endpoint with an event of its own, and say what came of it
    Test(Box<Chosen>),
    /// List the calls of a webhook endpoint, the latest first
    Attempts(Box<attempts::Arguments>),
    /// Send earlier events to a webhook endpoint again
    Replay(Box<replay::Arguments>),
    /// Print the events of a project as they happen, and send them to a program on this machine
    Listen(Box<listen::Arguments>),
    /// Verify the signature of a delivery that was saved, and say what is wrong with it
    Verify(verify::Arguments),
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(arguments) => create::run(*arguments).await,
        Command::List(arguments) => list::run(*arguments).await,
        Command::Update(arguments) => update::run(*arguments).await,
        Command::Rotate(chosen) => rotate::run(*chosen).await,
        Command::Delete(chosen) => delete::run(*chosen).await,
        Command::Test(chosen) => test::run(*chosen).await,
        Command::Attempts(arguments) => attempts::run(*arguments).await,
        Command::Replay(arguments) => replay::run(*arguments).await,
        Command::Listen(arguments) => listen::run(*arguments).await,
        Command::Verify(arguments) => verify::run(arguments).await,
    }
}
