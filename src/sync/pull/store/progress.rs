//! How far the objects of a connection were read, by resource.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::auth::{JobScope, JobTransaction, ProjectScope, Scope};
use crate::connectors::{Fault, RemoteKey};
use crate::db;
use crate::domain::{ConnectionId, EventType, ParseError};
use crate::events;
use crate::sync::pull::pulled::Pulled;

/// How far a resource was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is read.
    pub pulled: Pulled,
    /// When the pull that is under way began; `None` when none is.
    pub started_at: Option<DateTime<Utc>>,
    /// The last key of the last page that it stored.
    pub after: Option<RemoteKey>,
    /// When the last complete pull began.
    pub last_synced_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed: a code and a sentence.
    pub error: Option<(String, String)>,
}

/// A row of `pull_progress`.
struct Row {
    connection_id: Uuid,
    resource: String,
    started_at: Option<DateTime<Utc>>,
    after_position: Option<String>,
    after_remote_id: Option<String>,
    after_stamp: Option<String>,
    last_synced_at: Option<DateTime<Utc>>,
    error_code: Option<String>,
    error_detail: Option<String>,
}

impl Row {
    /// `None` for a resource of a later version.
    fn parse(self) -> Result<Option<Progress>, db::Error> {
        let Some(pulled) = Pulled::all().find(|pulled| pulled.as_str() == self.resource) else { return Ok(None) };
        let after = match (self.after_position, self.after_remote_id, self.after_stamp) {
            (Some(position), Some(remote_id), Some(stamp)) => {
                let remote_id = remote_id.parse().map_err(|error: ParseError| db::corrupt_row(error))?;
                Some(RemoteKey { remote_id, position, stamp })
            }
            _ => None,
        };
        Ok(Some(Progress {
            pulled,
            started_at: self.started_at,
            after,
            last_synced_at: self.last_synced_at,
            error: self.error_code.map(|code| (code, self.error_detail.unwrap_or_default())),
        }))
    }
}

/// Reads the progress of all resources that were begun, in the order in which they are pulled.
///
/// # Errors
/// When the database fails.
pub async fn progress(scope: &Scope) -> Result<Vec<Progress>, db::Error> {
    let statement = scope.statement().await?;
    let rows = sqlx::query_as!(
        Row,
        "
        select connection_id, resource, started_at, after_position, after_remote_id, after_stamp, last_synced_at,
               error_code, error_detail
        from pull_progress
        where connection_id = $1
        ",
        scope.connection_id().0,
    )
    .fetch_all(statement)
    .await?;
    let mut found = rows.into_iter().filter_map(|row| row.parse().transpose()).collect::<Result<Vec<_>, _>>()?;
    found.sort_by_key(|progress| Pulled::all().position(|pulled| pulled == progress.pulled));
    Ok(found)
}

/// The same for many connections of a project, with one query. Those without progress are left out.
///
/// # Errors
/// When the database fails.
pub async fn progress_of_many(
    project: &ProjectScope,
    connections: impl Iterator<Item = ConnectionId>,
) -> Result<HashMap<ConnectionId, Vec<Progress>>, db::Error> {
    let ids: Vec<_> = connections.map(|id| id.0).collect();
    let statement = project.statement().await?;
    let rows = sqlx::query_as!(
        Row,
        "
        select connection_id, resource, started_at, after_position, after_remote_id, after_stamp, last_synced_at,
               error_code, error_detail
        from pull_progress
        where connection_id = any ($1) and connection_id in (select id from connection where project_id = $2)
        ",
        &ids,
        project.project_id().0,
    )
    .fetch_all(statement)
    .await?;
    let mut found = HashMap::<_, Vec<_>>::new();
    for row in rows {
        let connection = ConnectionId(row.connection_id);
        found.entry(connection).or_default().extend(row.parse()?);
    }
    Ok(found)
}

/// Begins a pull of all this.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    transaction: &mut JobTransaction,
    now: DateTime<Utc>,
    pulled: impl Iterator<Item = Pulled>,
) -> Result<(), db::Error> {
    let resources: Vec<_> = pulled.map(|pulled| pulled.as_str().to_owned()).collect();
    sqlx::query!(
        "
        insert into pull_progress (connection_id, resource, started_at)
        select $1, resource, $3 from unnest($2::text[]) as resource
        on conflict (connection_id, resource) do update
        set started_at = excluded.started_at, after_position = null, after_remote_id = null, after_stamp = null
        ",
        transaction.connection_id().0,
        &resources,
        now,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// The page that ends with this key is stored.
///
/// # Errors
/// When the database fails.
pub async fn advance(transaction: &mut JobTransaction, pulled: Pulled, after: &RemoteKey) -> Result<(), db::Error> {
    sqlx::query!(
        "
        update pull_progress set after_position = $3, after_remote_id = $4, after_stamp = $5
        where connection_id = $1 and resource = $2
        ",
        transaction.connection_id().0,
        pulled.as_str(),
        after.position,
        after.remote_id.as_str(),
        after.stamp,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// The last page is stored: the pull of the resource is complete. When all resources are, it is announced.
///
/// # Errors
/// When the database fails.
pub async fn finish(transaction: &mut JobTransaction, pulled: Pulled) -> Result<(), db::Error> {
    sqlx::query!(
        "
        update pull_progress
        set last_synced_at = started_at, started_at = null, after_position = null, after_remote_id = null,
            after_stamp = null, error_code = null, error_detail = null
        where connection_id = $1 and resource = $2
        ",
        transaction.connection_id().0,
        pulled.as_str(),
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    let is_complete = sqlx::query_scalar!(
        r#"
        select not exists (
            select from pull_progress
            where connection_id = $1 and (started_at is not null or error_code is not null)
        ) as "is_complete!"
        "#,
        transaction.connection_id().0,
    )
    .fetch_one(transaction.executor())
    .await?;
    if is_complete {
        let connection = transaction.connection_id().0;
        events::announce(transaction, EventType::SyncCompleted, &[connection], None).await?;
    }
    Ok(())
}

/// The pull of a resource failed. It goes on where it was, or, when it is given up, begins again with the next pull. The
/// first failure is announced, and the next one only when no resource has failed any more in between.
///
/// # Errors
/// When the database fails.
pub async fn fail(job: &JobScope, pulled: Pulled, fault: &Fault, is_given_up: bool) -> Result<(), db::Error> {
    let mut transaction = job.transaction().await?;
    let has_failed = sqlx::query_scalar!(
        r#"
        select exists (
            select from pull_progress where connection_id = $1 and error_code is not null
        ) as "has_failed!"
        "#,
        job.connection_id().0,
    )
    .fetch_one(transaction.executor())
    .await?;
    sqlx::query!(
        "
        update pull_progress
        set error_code = $3, error_detail = $4, started_at = case when $5 then null else started_at end
        where connection_id = $1 and resource = $2
        ",
        job.connection_id().0,
        pulled.as_str(),
        fault.code,
        fault.detail.replace('\0', ""),
        is_given_up,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    if !has_failed {
        let connection = transaction.connection_id().0;
        events::announce(&mut transaction, EventType::SyncFailed, &[connection], None).await?;
    }
    transaction.commit().await
}
