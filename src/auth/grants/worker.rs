//! The grant of the server's own tasks, which find work without a caller.

use uuid::Uuid;

use super::{JobScope, ProjectScope};
use crate::db::{self, Database, Statement};
use crate::domain::{ApiKeyId, ConnectionId, ProjectId};

/// A task of the server: may look for work in all connections, and take it up for one. Only `app` and an
/// [`super::Operator`] make it.
#[derive(Debug, Clone)]
pub struct Worker {
    database: Database,
}

impl Worker {
    /// The server's tasks. Only `app` calls this.
    #[must_use]
    pub fn from_app(database: Database) -> Self {
        Self { database }
    }

    /// The right to run one statement. A failure here has had no effect.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn statement(&self) -> Result<Statement<'static>, db::Error> {
        self.database.statement().await
    }

    /// The rows of one connection, whose work was found.
    #[must_use]
    pub fn job(&self, project_id: ProjectId, connection_id: ConnectionId) -> JobScope {
        JobScope::new(self.database.clone(), project_id, connection_id)
    }

    /// The rows of one project, whose work was found.
    #[must_use]
    pub fn project(&self, project_id: ProjectId) -> ProjectScope {
        ProjectScope::new(self.database.clone(), project_id, ApiKeyId(Uuid::nil()))
    }

    /// Whether Citus has distributed the database.
    #[must_use]
    pub fn is_distributed(&self) -> bool {
        self.database.is_distributed()
    }

    /// The database, to listen for notifications.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }
}
