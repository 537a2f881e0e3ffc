//! The lock that lets one server at a time migrate.
//!
//! Servers poll it. A session that waits inside `pg_advisory_lock` holds a snapshot, and `create index concurrently`
//! waits for the end of every older snapshot. So the migrating server would wait for the servers that wait for it.

use std::time::Duration;

use sqlx::PgConnection;

/// The pause between two attempts.
const POLL: Duration = Duration::from_millis(250);

/// Waits until no other session has the lock, and takes it.
///
/// # Errors
/// When the database fails.
pub(super) async fn acquire(session: &mut PgConnection) -> Result<(), sqlx::Error> {
    let id = id(session).await?;
    let mut is_logged = false;
    while !sqlx::query_scalar::<_, bool>("select pg_try_advisory_lock($1)").bind(id).fetch_one(&mut *session).await? {
        if !is_logged {
            tracing::info!("another server migrates the database; this one waits for it");
            is_logged = true;
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Releases the lock.
///
/// # Errors
/// When the database fails; the lock then ends with the session.
pub(super) async fn release(session: &mut PgConnection) -> Result<(), sqlx::Error> {
    let id = id(session).await?;
    sqlx::query("select pg_advisory_unlock($1)").bind(id).execute(session).await?;
    Ok(())
}

/// The number that sqlx's own `Migrator` locks, so that it excludes older servers, which migrate with that.
async fn id(session: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let database: String = sqlx::query_scalar("select current_database()::text").fetch_one(session).await?;
    Ok(0x3d32_ad9e * i64::from(crc32fast::hash(database.as_bytes())))
}
