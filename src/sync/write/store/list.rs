//! What the command line shows of writes.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::types::Json;

use crate::auth::{JobScope, Operator};
use crate::db;
use crate::domain::{ConnectionId, PaymentId, ProjectId, RemoteStatus};

/// A payment of a connection with software.
#[derive(Debug, Serialize)]
pub struct ListedWrite {
    /// Its id.
    pub id: PaymentId,
    /// What became of it.
    pub remote_status: RemoteStatus,
    /// Its id in the software.
    pub remote_id: Option<String>,
    /// In minor units of the currency.
    pub total_amount: Option<i64>,
    /// The currency.
    pub currency: Option<String>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// How many attempts there were, and decisions of people.
    pub attempts: i32,
    /// Why it is where it is: an array of `{code, detail, pointer}`.
    pub errors: Option<Box<RawValue>>,
    /// Who decided that, when a person did.
    pub actor: Option<String>,
    /// That person's reason.
    pub reason: Option<String>,
}

/// Lists payments of a connection, oldest first, at most `limit`: those of one status, or all that have one.
///
/// # Errors
/// When the database fails.
pub async fn list(job: &JobScope, status: Option<RemoteStatus>, limit: u32) -> Result<Vec<ListedWrite>, db::Error> {
    let statement = job.statement().await?;
    let rows = sqlx::query!(
        r#"
        select id, remote_status as "remote_status!", remote_id, total_amount, currency, created_at,
               coalesce((select attempts from remote_write where connection_id = $1 and payment_id = id), 0)
                   as "attempts!",
               (select errors from remote_write where connection_id = $1 and payment_id = id)
                   as "errors: Json<Box<RawValue>>",
               (select actor from remote_attempt where connection_id = $1 and payment_id = id
                order by number desc limit 1) as actor,
               (select reason from remote_attempt where connection_id = $1 and payment_id = id
                order by number desc limit 1) as reason
        from payment
        where connection_id = $1 and remote_status is not null and ($2::text is null or remote_status = $2)
        order by id
        limit $3
        "#,
        job.connection_id().0,
        status.map(RemoteStatus::as_str),
        i64::from(limit),
    )
    .fetch_all(statement)
    .await?;
    let listed = rows.into_iter().map(|row| {
        Ok(ListedWrite {
            id: PaymentId(row.id),
            remote_status: row.remote_status.parse().map_err(db::corrupt_row)?,
            remote_id: row.remote_id,
            total_amount: row.total_amount,
            currency: row.currency,
            created_at: row.created_at,
            attempts: row.attempts,
            errors: row.errors.map(|Json(errors)| errors),
            actor: row.actor,
            reason: row.reason,
        })
    });
    Ok(listed.collect::<Result<_, sqlx::Error>>()?)
}

/// The project of a connection; `None` when there is no such connection.
///
/// # Errors
/// When the database fails.
pub async fn project_of(operator: &Operator, connection: ConnectionId) -> Result<Option<ProjectId>, db::Error> {
    let statement = operator.statement().await?;
    let project = sqlx::query_scalar!("select project_id from connection where id = $1", connection.0)
        .fetch_optional(statement)
        .await?;
    Ok(project.map(ProjectId))
}
