//! The grant of the command line.

use crate::db::{self, Database, Statement};

/// A person at the command line who has the database's address: may manage projects, keys and connections. No HTTP
/// route ever gets one.
#[derive(Debug, Clone)]
pub struct Operator {
    database: Database,
}

impl Operator {
    /// The person at the command line. Only `cli/` calls this.
    #[must_use]
    pub fn from_cli(database: Database) -> Self {
        Self { database }
    }

    /// The right to run one statement. A failure here has had no effect.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn statement(&self) -> Result<Statement<'static>, db::Error> {
        self.database.statement().await
    }
}
