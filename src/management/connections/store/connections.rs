//! Connections without their tokens.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::auth::{Operator, OperatorTransaction, ProjectScope, Secret};
use crate::db::{self, Statement};
use crate::domain::{ConnectionId, DisplayName, EventType, ProjectId};
use crate::events;
use crate::management::Credential;
use crate::management::connections::{Connection, SoftwareDetails};

/// Stores a connection and the hash of its token.
///
/// # Errors
/// [`db::Error::Constraint`] when there is no such project, or when the database fails.
pub async fn insert(
    transaction: &mut OperatorTransaction,
    connection: &Connection,
    token: &Secret,
) -> Result<(), db::Error> {
    sqlx::query!(
        "insert into connection (id, project_id, label, provider, secret_hash, hint, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        connection.id.0,
        connection.project_id.0,
        connection.label.as_str(),
        connection.provider,
        &token.hash(),
        connection.credential.last_four,
        connection.credential.created_at,
        connection.credential.expires_at,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Calls a connection something else.
///
/// # Errors
/// When the database fails.
pub async fn rename(
    transaction: &mut OperatorTransaction,
    id: ConnectionId,
    label: &DisplayName,
) -> Result<(), db::Error> {
    sqlx::query!("update connection set label = $2 where id = $1", id.0, label.as_str())
        .execute(transaction.executor())
        .await
        .map_err(db::Error::of_write)?;
    Ok(())
}

/// Lists connections, oldest first: a project's, or all.
///
/// # Errors
/// When the database fails.
pub async fn list(operator: &Operator, project: Option<ProjectId>) -> Result<Vec<Connection>, db::Error> {
    select(operator.statement().await?, project, None).await
}

/// Reads a connection; `None` when there is none with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(operator: &Operator, id: ConnectionId) -> Result<Option<Connection>, db::Error> {
    Ok(select(operator.statement().await?, None, Some(id)).await?.pop())
}

/// Reads a connection of a project; `None` when it has none with this id.
///
/// # Errors
/// When the database fails.
pub async fn find_in(project: &ProjectScope, id: ConnectionId) -> Result<Option<Connection>, db::Error> {
    Ok(select(project.statement().await?, Some(project.project_id()), Some(id)).await?.pop())
}

/// The connections of a project, or of all; or one of them. The statement comes from the grant of the caller.
fn select(
    statement: Statement<'static>,
    project: Option<ProjectId>,
    id: Option<ConnectionId>,
) -> impl Future<Output = Result<Vec<Connection>, db::Error>> {
    let query = sqlx::query_as!(
        Row,
        r#"
        select id, project_id, label, provider, hint, connection.created_at, expires_at, revoked_at, last_used_at,
               url as "url?", database, company, company_name, base_currency, login, version, checked_at,
               status as "status?", status_reason, status_detail, status_since as "status_since?"
        from connection
        left join connection_software on connection_software.connection_id = connection.id
        where ($1::uuid is null or project_id = $1) and ($2::uuid is null or id = $2)
        order by id
        "#,
        project.map(|id| id.0),
        id.map(|id| id.0),
    );
    async move {
        let rows = query.fetch_all(statement).await?;
        Ok(rows.into_iter().map(Row::connection).collect::<Result<_, _>>()?)
    }
}

/// Revokes a connection's token from `now` on and returns whether there is such a connection. One that is revoked
/// already keeps its time. The connection's payments stay.
///
/// # Errors
/// When the database fails.
pub async fn revoke(operator: &Operator, id: ConnectionId, now: DateTime<Utc>) -> Result<bool, db::Error> {
    let mut transaction = operator.transaction().await?;
    let revoked = sqlx::query!("update connection set revoked_at = $2 where id = $1 and revoked_at is null", id.0, now)
        .execute(transaction.executor())
        .await
        .map_err(db::Error::of_write)?;
    let is_news = revoked.rows_affected() > 0;
    if is_news {
        events::announce_connection(&mut transaction, id, EventType::ConnectionDeleted).await?;
    }
    transaction.commit().await?;
    Ok(is_news || find(operator, id).await?.is_some())
}

/// A connection with its software as the database returns them.
struct Row {
    id: Uuid,
    project_id: Uuid,
    label: String,
    provider: String,
    hint: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    url: Option<String>,
    database: Option<String>,
    company: Option<String>,
    company_name: Option<String>,
    base_currency: Option<String>,
    login: Option<String>,
    version: Option<String>,
    checked_at: Option<DateTime<Utc>>,
    status: Option<String>,
    status_reason: Option<String>,
    status_detail: Option<String>,
    status_since: Option<DateTime<Utc>>,
}

impl Row {
    fn connection(self) -> Result<Connection, sqlx::Error> {
        let software = match (self.url, self.status, self.status_since) {
            (Some(url), Some(status), Some(status_since)) => Some(SoftwareDetails {
                url,
                database: self.database,
                company: self.company.map(|id| id.parse()).transpose().map_err(db::corrupt_row)?,
                company_name: self.company_name,
                base_currency: self.base_currency.map(|code| code.parse()).transpose().map_err(db::corrupt_row)?,
                login: self.login,
                version: self.version,
                checked_at: self.checked_at,
                status: status.parse().map_err(db::corrupt_row)?,
                status_reason: self.status_reason,
                status_detail: self.status_detail,
                status_since,
            }),
            _ => None,
        };
        Ok(Connection {
            id: ConnectionId(self.id),
            project_id: ProjectId(self.project_id),
            label: self.label.parse::<DisplayName>().map_err(db::corrupt_row)?,
            provider: self.provider,
            software,
            credential: Credential {
                last_four: self.hint,
                created_at: self.created_at,
                expires_at: self.expires_at,
                revoked_at: self.revoked_at,
                last_used_at: self.last_used_at,
            },
        })
    }
}
