//! Schema changes, forward only.

use sqlx::Connection;
use sqlx::migrate::{MigrateError, Migrator};

use super::database::Database;
use super::migration_run;
use super::pool::PoolerMode;
use super::schema::{MIGRATOR, has_all};

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
    if database.pooling() == PoolerMode::Transaction {
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
        has_all(database.unopened_statement().await?, migrator).await?,
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
