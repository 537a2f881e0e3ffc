//! Asks the software behind a connection what it is, and keeps the answer.

use chrono::{DateTime, Utc};

use super::{Access, Connection, NoAccess, Record, Software, store};
use crate::auth::Operator;
use crate::connectors::{self, SoftwareInfo};
use crate::db;

/// The code of [`Record::NeedsReauth`] when the software has refused the credentials.
pub const CREDENTIALS_REFUSED: &str = "credentials_refused";

/// Why the software behind a connection could not be asked, or is not what it was.
#[derive(Debug, thiserror::Error)]
pub enum SoftwareError {
    /// There is none.
    #[error("the connection {0} has no accounting software")]
    NoSoftware(crate::domain::ConnectionId),
    /// The provider or the keys are missing.
    #[error(transparent)]
    Access(#[from] NoAccess),
    /// The software failed, or refused.
    #[error(transparent)]
    Software(#[from] connectors::Error),
    /// The books are not those of this connection.
    #[error("{0}: that is a new connection; see `connection create`")]
    OtherBooks(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Signs in, looks around, and keeps what was found. Credentials that work end `needs_reauth`; refused ones begin it.
///
/// # Errors
/// When the software cannot be asked, or refuses.
pub async fn check(
    operator: &Operator,
    access: &Access,
    connection: &Connection,
    now: DateTime<Utc>,
) -> Result<SoftwareInfo, SoftwareError> {
    let software = of(operator, connection).await?;
    match access.connect(connection.id, &software)?.check().await {
        Ok(found) => {
            let mut transaction = operator.transaction().await?;
            store::record_check(&mut transaction, connection.id, &found, now).await?;
            transaction.commit().await?;
            Ok(found)
        }
        Err(error) => {
            if let connectors::Error::Unauthorized(detail) = &error {
                let job = operator.job(connection.project_id, connection.id);
                store::record_health(&job, &software, Record::NeedsReauth(CREDENTIALS_REFUSED, detail)).await?;
            }
            Err(error.into())
        }
    }
}

/// Makes in the software what its connector needs there. Repeatable.
///
/// # Errors
/// When the software cannot be asked, or refuses.
pub async fn setup(operator: &Operator, access: &Access, connection: &Connection) -> Result<(), SoftwareError> {
    let software = of(operator, connection).await?;
    Ok(access.connect(connection.id, &software)?.setup().await?)
}

/// The software behind a connection.
pub(super) async fn of(operator: &Operator, connection: &Connection) -> Result<Software, SoftwareError> {
    let job = operator.job(connection.project_id, connection.id);
    store::software(&job).await?.ok_or(SoftwareError::NoSoftware(connection.id))
}
