//! `unibooks project create|list`

use clap::{Args, Subcommand};

use super::database::DatabaseArguments;
use super::output;
use crate::domain::{Clock, DisplayName};
use crate::management::projects::{Project, store};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project
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
    console: DatabaseArguments,
}

#[derive(Debug, Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    console: DatabaseArguments,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(Create { name, json, console }) => {
            let project = Project::new(name, Clock::system().now());
            store::insert(&console.operator().await?, &project).await?;
            if json {
                return output::json(&project);
            }
            output::line(format_args!("project  {}", project.id))?;
        }
        Command::List(List { json, console }) => {
            let projects = store::list(&console.operator().await?).await?;
            if json {
                return output::json(&projects);
            }
            let row = |project: &Project| {
                [project.id.to_string(), project.name.as_str().to_owned(), output::moment(Some(project.created_at))]
            };
            output::table(["ID", "NAME", "CREATED (UTC)"], &projects.iter().map(row).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}
