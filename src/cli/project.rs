//! `unibooks project create|list`

use clap::{Args, Subcommand};

use super::database::DatabaseArguments;
use super::output;
use crate::domain::{Clock, DisplayName};
use crate::management::projects::{self, Project};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a project
    Create(Create),
    /// List all projects
    List(List),
}

#[derive(Debug, Args)]
pub struct Create {
    /// What to call it
    #[arg(long)]
    name: DisplayName,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArguments,
}

#[derive(Debug, Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArguments,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(Create { name, json, database }) => {
            let mut transaction = database.operator().await?.transaction().await?;
            let project = projects::create(&mut transaction, name, Clock::system().now()).await?;
            transaction.commit().await?;
            if json { output::json(&project) } else { output::line(format_args!("project  {}", project.id)) }
        }
        Command::List(List { json, database }) => {
            let projects = projects::list(&database.operator().await?).await?;
            if json { output::json(&projects) } else { table(&projects) }
        }
    }
}

fn table(projects: &[Project]) -> anyhow::Result<()> {
    let row = |project: &Project| {
        [project.id.to_string(), project.name.as_str().to_owned(), output::minute(Some(project.created_at))]
    };
    output::table(["ID", "NAME", "CREATED (UTC)"], &projects.iter().map(row).collect::<Vec<_>>())
}
