//! Schema changes, forward only.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgExecutor, Row};

use super::connect::Database;
use super::connections::Pooling;
use super::migration_run;

/// The migrations of this build, from `migrations/`.
static MIGRATOR: Migrator = sqlx::migrate!();

/// Applies what is missing of this build's migrations; see [`migrate_with`].
///
/// # Errors
/// Those of [`migrate_with`].
pub async fn migrate(database: &Database) -> anyhow::Result<()> {
    migrate_with(database, &MIGRATOR).await
}

/// Applies what is missing of `migrator`. Safe to call from many servers at once: an advisory lock lets one of them
/// work while the others wait. Payments are created and read meanwhile: see `migration_run`.
///
/// # Errors
/// When the database cannot be reached or a migration fails; it is then rolled back. Behind a pooler in transaction
/// mode, where a lock would stay with somebody else's session, when something is missing.
pub async fn migrate_with(database: &Database, migrator: &Migrator) -> anyhow::Result<()> {
    if database.pooling() == Pooling::Transaction {
        return check(database, migrator).await;
    }
    let mut connection = database.connect_alone().await?;
    // A migration of a large table takes longer than a request may.
    sqlx::query("set statement_timeout = 0").execute(&mut connection).await?;
    let migrated = migration_run::run(&mut connection, migrator).await;
    connection.close().await.ok();
    migrated.map_err(explain)
}

async fn check(database: &Database, migrator: &Migrator) -> anyhow::Result<()> {
    anyhow::ensure!(
        has_all(&mut database.begin_unopened().await?, migrator).await?,
        "the database has not this version's schema, and nothing is migrated through a pooler in transaction mode; run \
         `unibooks migrate --database-pooling session` with DATABASE_URL leading to Postgres itself"
    );
    Ok(())
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
pub(super) async fn is_writable(connection: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    // Not prepared, so that whatever session a pooler lends can be asked.
    let row = sqlx::raw_sql("show transaction_read_only").fetch_one(connection).await?;
    Ok(row.try_get::<String, _>(0)? == "off")
}

/// Whether every migration of this build is applied.
pub(super) async fn is_migrated(connection: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    has_all(connection, &MIGRATOR).await
}

async fn has_all(connection: impl PgExecutor<'_>, migrator: &Migrator) -> Result<bool, sqlx::Error> {
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
