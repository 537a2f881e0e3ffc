//! What this build demands of a database's schema.

use sqlx::migrate::Migrator;
use sqlx::{PgExecutor, Row};

/// The migrations of this build, from `migrations/`.
pub(super) static MIGRATOR: Migrator = sqlx::migrate!();

/// Whether rows can be written, which on a standby they cannot.
pub(super) async fn is_writable(connection: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    // Not prepared, so that whatever session a pooler lends can be asked.
    let row = sqlx::raw_sql("show transaction_read_only").fetch_one(connection).await?;
    Ok(row.try_get::<String, _>(0)? == "off")
}

/// Whether every migration of this build is applied.
pub(super) async fn is_migrated(connection: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    has_all(connection, &MIGRATOR).await
}

pub(super) async fn has_all(connection: impl PgExecutor<'_>, migrator: &Migrator) -> Result<bool, sqlx::Error> {
    let known: Vec<i64> = migrator.iter().map(|migration| migration.version).collect();
    let applied =
        sqlx::query_scalar::<_, i64>("select count(*) from _sqlx_migrations where success and version = any($1)")
            .bind(&known)
            .fetch_one(connection)
            .await;
    match applied {
        Ok(applied) => Ok(usize::try_from(applied) == Ok(known.len())),
        // undefined_table
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code == "42P01") => Ok(false),
        Err(error) => Err(error),
    }
}
