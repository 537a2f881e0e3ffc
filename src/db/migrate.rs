//! Schema changes, forward only.

use sqlx::PgConnection;
use sqlx::migrate::{MigrateError, Migrator};

use super::connect::Database;

/// The migrations of this build, from `migrations/`.
static MIGRATOR: Migrator = sqlx::migrate!();

/// Applies what is missing. Safe to call from many servers at once: an advisory lock lets one of them work while the
/// others wait.
///
/// # Errors
/// When the database cannot be reached or a migration fails; it is then rolled back.
pub async fn migrate(database: &Database) -> anyhow::Result<()> {
    let mut connection = database.acquire().await?;
    // Waiting for the other server, and a migration of a large table, take longer than a request may.
    sqlx::query("set statement_timeout = 0").execute(&mut *connection).await?;
    let migrated = MIGRATOR.run(&mut *connection).await;
    // This connection has other settings than the pool's: it must not go back there.
    connection.close().await.ok();
    migrated.map_err(explain)
}

fn explain(error: MigrateError) -> anyhow::Error {
    match error {
        MigrateError::VersionMissing(version) => anyhow::anyhow!(
            "the database was migrated by a newer unibooks (it has migration {version}, which this one does not know)"
        ),
        other => anyhow::Error::new(other).context("the database could not be migrated"),
    }
}

/// Succeeds when every migration of this build is applied.
pub(super) async fn is_migrated(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let known: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    let applied: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations where success and version = any($1)")
        .bind(&known)
        .fetch_one(connection)
        .await?;
    if usize::try_from(applied) == Ok(known.len()) { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
