//! Finds a pooler in transaction mode that no setting names.

use std::pin::pin;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use super::database::Database;

/// How long a pooler of one session may let a second transaction wait before the first one ends.
const WAIT: Duration = Duration::from_millis(500);

/// Whether connections exchange their sessions. A session of Postgres has one process from its begin to its end. So
/// two connections that see another process than before, or the same one, have no sessions of their own.
///
/// Two transactions at a time take two sessions from a pooler. They end in one order and then in the other, so that a
/// pooler exchanges them whether it lends the session that came back last or the one that came back first.
///
/// # Errors
/// When the database fails.
pub(super) async fn lends_sessions(database: &Database) -> Result<bool, sqlx::Error> {
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
        for connection in ends {
            end(connection).await?;
        }
    }
    first.close().await?;
    second.close().await?;
    Ok(false)
}

/// Begins a transaction; the process that runs it. Nothing is prepared: the session may be somebody else's.
async fn begin(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::raw_sql("begin; select pg_backend_pid()").fetch_one(connection).await?.try_get(0)
}

async fn end(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("commit").execute(connection).await.map(drop)
}

/// Begins a transaction beside that of `first`. A pooler that has only one session gives it when that one ends.
async fn begin_beside(first: &mut PgConnection, second: &mut PgConnection) -> Result<i32, sqlx::Error> {
    let mut begun = pin!(begin(second));
    if let Ok(begun) = tokio::time::timeout(WAIT, &mut begun).await {
        return begun;
    }
    end(first).await?;
    tokio::time::timeout(WAIT * 10, begun).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
