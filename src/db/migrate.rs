//! Schema changes, forward only.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgConnection};

use super::connect::Database;

/// The migrations of this build, from `migrations/`.
static MIGRATOR: Migrator = sqlx::migrate!();

/// Applies what is missing. Safe to call from many servers at once: an advisory lock lets one of them work while the
/// others wait.
///
/// # Errors
/// When the database cannot be reached or a migration fails; it is then rolled back.
pub async fn migrate(database: &Database) -> anyhow::Result<()> {
    let mut connection = database.connect_alone().await?;
    // Waiting for the other server, and a migration of a large table, take longer than a request may.
    sqlx::query("set statement_timeout = 0").execute(&mut connection).await?;
    let migrated = MIGRATOR.run(&mut connection).await;
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

/// Whether rows can be written, which on a standby they cannot.
pub(super) async fn is_writable(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select current_setting('transaction_read_only') = 'off'").fetch_one(connection).await
}

/// Succeeds when every migration of this build is applied and rows can be written.
pub(super) async fn is_migrated(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    if !is_writable(connection).await? {
        return Err(sqlx::Error::Configuration("the database is read-only: a standby?".into()));
    }
    let known: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    let applied: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations where success and version = any($1)")
        .bind(&known)
        .fetch_one(connection)
        .await?;
    if usize::try_from(applied) == Ok(known.len()) { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
