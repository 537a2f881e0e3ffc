//! The connection that a command is about.

use anyhow::Context;
use clap::Args;

use crate::auth::Operator;
use crate::cli::database::DatabaseArguments;
use crate::domain::ConnectionId;
use crate::management::connections::{self, Connection, SoftwareDetails};

/// A connection, by its id.
#[derive(Debug, Args)]
pub struct Chosen {
    /// The connection's id, as `list` shows it
    #[arg(long, value_name = "ID")]
    connection: ConnectionId,
    #[command(flatten)]
    database: DatabaseArguments,
}

impl Chosen {
    /// Finds it.
    pub async fn find(&self) -> anyhow::Result<(Operator, Connection)> {
        let operator = self.database.operator().await?;
        let found = connections::find(&operator, self.connection).await?;
        let found = found.with_context(|| unknown(self.connection))?;
        Ok((operator, found))
    }

    /// Finds it with its software.
    pub async fn find_with_software(&self) -> anyhow::Result<(Operator, Connection, SoftwareDetails)> {
        let (operator, connection) = self.find().await?;
        let software = connection.software.clone();
        let software =
            software.with_context(|| format!("the connection {} has no accounting software", connection.id))?;
        Ok((operator, connection, software))
    }
}

/// The line for an id that no connection has.
pub fn unknown(id: ConnectionId) -> String {
    format!("there is no connection {id}; see `connection list`")
}
