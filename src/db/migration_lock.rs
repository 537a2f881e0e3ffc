//! The lock that lets one server at a time migrate.
//!
//! It is polled. A session that waits inside `pg_advisory_lock` holds a snapshot, and `create index concurrently` waits
//! for the end of every snapshot that is older than itself: the server that migrates would wait for those that wait for
//! it.

use std::time::Duration;

use sqlx::PgConnection;

/// The pause between two looks.
const POLL: Duration = Duration::from_millis(250);

/// Takes the lock, as soon as no other session has it.
///
/// # Errors
/// When the database fails.
pub(super) async fn acquire(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let id = id(connection).await?;
    let mut is_logged = false;
    while !sqlx::query_scalar::<_, bool>("select pg_try_advisory_lock($1)").bind(id).fetch_one(&mut *connection).await?
    {
        if !is_logged {
            tracing::info!("another server migrates the database; this one waits for it");
            is_logged = true;
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Gives the lock back.
///
/// # Errors
/// When the database fails; the lock then ends with the session.
pub(super) async fn release(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let id = id(connection).await?;
    sqlx::query("select pg_advisory_unlock($1)").bind(id).execute(connection).await?;
    Ok(())
}

/// The number that sqlx's own `Migrator` locks: an older server, which migrates with that, is kept out as well.
async fn id(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let database: String = sqlx::query_scalar("select current_database()::text").fetch_one(connection).await?;
    Ok(0x3d32_ad9e * i64::from(crc32fast::hash(database.as_bytes())))
}
