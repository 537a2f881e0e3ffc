//! How far the objects of a connection were read, by resource.

use chrono::{DateTime, Utc};

use crate::auth::{JobScope, JobTransaction, Scope};
use crate::connectors::{Fault, RemoteKey};
use crate::db;
use crate::domain::{EventType, ParseError};
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

/// Reads the progress of all resources that were begun, in the order in which they are pulled.
///
/// # Errors
/// When the database fails.
pub async fn progress(scope: &Scope) -> Result<Vec<Progress>, db::Error> {
    let statement = scope.statement().await?;
    let rows = sqlx::query!(
        "
        select resource, started_at, after_position, after_remote_id, after_stamp, last_synced_at, error_code,
               error_detail
        from pull_progress
        where connection_id = $1
        ",
        scope.connection_id().0,
    )
    .fetch_all(statement)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(pulled) = Pulled::all().find(|pulled| pulled.as_str() == row.resource) else {
            // Of a later version.
            continue;
        };
        let after = match (row.after_position, row.after_remote_id, row.after_stamp) {
            (Some(position), Some(remote_id), Some(stamp)) => {
                let remote_id = remote_id.parse().map_err(|error: ParseError| db::corrupt_row(error))?;
                Some(RemoteKey { remote_id, position, stamp })
            }
            _ => None,
        };
        found.push(Progress {
            pulled,
            started_at: row.started_at,
            after,
            last_synced_at: row.last_synced_at,
            error: row.error_code.map(|code| (code, row.error_detail.unwrap_or_default())),
        });
    }
    found.sort_by_key(|progress| Pulled::all().position(|pulled| pulled == progress.pulled));
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
        set started_at = $3, after_position = null, after_remote_id = null, after_stamp = null
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
