//! Creates a connection.

use chrono::{DateTime, Utc};

use super::{Connection, Provider, SoftwareDetails, access, store};
use crate::auth::{OperatorTransaction, Secret, secret};
use crate::connectors::{self, SoftwareInfo, Target};
use crate::domain::{ConnectionId, DisplayName, EventType, ProjectId};
use crate::events;
use crate::management::{Credential, Error};
use crate::sealed::SealingKeys;

/// What is asked for in a new connection.
#[derive(Debug)]
pub struct NewConnection {
    /// The project that it is for.
    pub project_id: ProjectId,
    /// What to call it.
    pub label: DisplayName,
    /// The accounting software behind it; without it this server is the book of record.
    pub software: Option<NewSoftware>,
    /// When its token expires.
    pub expires_at: Option<DateTime<Utc>>,
}

/// The accounting software behind a new connection.
#[derive(Debug)]
pub struct NewSoftware {
    /// The kind of software.
    pub provider: &'static dyn connectors::Provider,
    /// Where the books are and how to sign in. The connection gets the id that is named here.
    pub target: Target,
    /// What a check has found, if there was one.
    pub found: Option<SoftwareInfo>,
    /// The keys that seal the secret.
    pub keys: SealingKeys,
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
    let NewConnection { project_id, label, software, expires_at } = new;
    let token = Secret::generate(secret::Kind::ConnectionToken, &mut rand::rng());
    let credential = Credential::new(&token, expires_at, now);
    let id = software.as_ref().map_or_else(|| ConnectionId::new(now), |software| software.target.connection_id);
    let provider = software.as_ref().map_or(Provider::NONE, |software| software.provider.slug()).to_owned();
    let details =
        software.as_ref().map(|software| SoftwareDetails::new(&software.target, software.found.as_ref(), now));
    let connection = Connection { id, project_id, label, provider, software: details, credential };
    store::insert(transaction, &connection, &token).await.map_err(|error| Error::of_insert(error, project_id))?;
    if let (Some(software), Some(details)) = (&software, &connection.software) {
        let sealed = access::seal(&software.keys, id, &software.target.secret);
        store::insert_software(transaction, id, details, &sealed).await?;
    }
    events::announce_connection(transaction, id, EventType::ConnectionCreated).await?;
    Ok((connection, token))
}
