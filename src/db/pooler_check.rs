//! Detects a pooler in transaction mode that no setting names.

use std::pin::pin;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use super::database::Database;

/// How long a second transaction waits, behind a pooler with one session, until we end the first one.
const WAIT: Duration = Duration::from_millis(500);

/// Whether a pooler assigns sessions by transaction. A session of Postgres has one process from begin to end. So when
/// one of two clients sees another process than before, or both see the same one, a pooler exchanges their sessions.
///
/// Two transactions at a time take two sessions from a pooler. They end in one order and then in the other. So a pooler
/// exchanges the sessions whether it reuses the last returned or the first returned.
///
/// # Errors
/// When the database fails.
pub(super) async fn exchanges_sessions(database: &Database) -> Result<bool, sqlx::Error> {
    let mut first = database.connect_alone().await?;
    let mut second = database.connect_alone().await?;
    let mut seen = None;
    for ends_in_reverse in [false, true, false] {
        let pid = begin(&mut first).await?;
        let pids = (pid, begin_beside(&mut first, &mut second).await?);
        if pids.0 == pids.1 || seen.is_some_and(|seen| seen != pids) {
            return Ok(true);
        }
        seen = Some(pids);
        let ends = if ends_in_reverse { [&mut second, &mut first] } else { [&mut first, &mut second] };
        for client in ends {
            end(client).await?;
        }
    }
    first.close().await?;
    second.close().await?;
    Ok(false)
}

/// Begins a transaction and returns the process that runs it. Nothing is prepared: the session may be another client's.
async fn begin(client: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::raw_sql("begin; select pg_backend_pid()").fetch_one(client).await?.try_get(0)
}

async fn end(client: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("commit").execute(client).await.map(drop)
}

/// Begins a transaction beside that of `first`. A pooler with only one session assigns it when the first one ends.
async fn begin_beside(first: &mut PgConnection, second: &mut PgConnection) -> Result<i32, sqlx::Error> {
    let mut begun = pin!(begin(second));
    if let Ok(begun) = tokio::time::timeout(WAIT, &mut begun).await {
        return begun;
    }
    end(first).await?;
    tokio::time::timeout(WAIT * 10, begun).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
