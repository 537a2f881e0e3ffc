//! Creates a connection.

use chrono::{DateTime, Utc};

use super::{Connection, Provider, store};
use crate::auth::{OperatorTransaction, Secret, secret};
use crate::domain::{ConnectionId, DisplayName, ProjectId};
use crate::management::{Credential, Error};

/// What is asked for in a new connection.
#[derive(Debug)]
pub struct NewConnection {
    /// The project that it is for.
    pub project_id: ProjectId,
    /// What to call it.
    pub label: DisplayName,
    /// The accounting software behind it.
    pub provider: Provider,
    /// When its token expires.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Creates a connection in a transaction. This is the only time that its token can be shown.
///
/// # Errors
/// When there is no such project, or when the database fails.
pub async fn create(
    transaction: &mut OperatorTransaction,
    new: NewConnection,
    now: DateTime<Utc>,
) -> Result<(Connection, Secret), Error> {
    let NewConnection { project_id, label, provider, expires_at } = new;
    let token = Secret::generate(secret::Kind::ConnectionToken, &mut rand::rng());
    let credential = Credential::new(&token, expires_at, now);
    let connection = Connection { id: ConnectionId::new(now), project_id, label, provider, credential };
    store::insert(transaction, &connection, &token).await.map_err(|error| Error::of_insert(error, project_id))?;
    Ok((connection, token))
}
