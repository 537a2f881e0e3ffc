//! The schema that this build needs.

use sqlx::PgExecutor;
use sqlx::migrate::Migrator;

/// The migrations of this build, from `migrations/`.
pub(super) static MIGRATOR: Migrator = sqlx::migrate!();

/// Whether every migration of this build is applied.
pub(super) async fn is_migrated(executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    has_all(executor, &MIGRATOR).await
}

/// Whether every migration of `migrator` is applied.
pub(super) async fn has_all(executor: impl PgExecutor<'_>, migrator: &Migrator) -> Result<bool, sqlx::Error> {
    let known: Vec<i64> = migrator.iter().map(|migration| migration.version).collect();
    let applied =
        sqlx::query_scalar::<_, i64>("select count(*) from _sqlx_migrations where success and version = any($1)")
            .bind(&known)
            .fetch_one(executor)
            .await;
    match applied {
        Ok(applied) => Ok(usize::try_from(applied) == Ok(known.len())),
        // undefined_table
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code == "42P01") => Ok(false),
        Err(error) => Err(error),
    }
}
