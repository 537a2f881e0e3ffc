//! Schema changes, forward only.

use anyhow::Context;
use sqlx::Connection;
use sqlx::migrate::{MigrateError, Migrator};

use super::database::Database;
use super::pool::PoolerMode;
use super::schema::{MIGRATOR, has_all};
use super::{citus, migration_lock, migration_run};

/// Applies the missing migrations of this build; see [`migrate_with`].
///
/// # Errors
/// Those of [`migrate_with`].
pub async fn migrate(database: &Database) -> anyhow::Result<()> {
    migrate_with(database, &MIGRATOR).await
}

/// Applies the missing migrations of `migrator`. Many servers may call this at once: an advisory lock lets one of them
/// work while the others wait. Payments are created and read meanwhile; see `migration_run`.
///
/// # Errors
/// When the database cannot be reached, or a migration fails, which is then rolled back. Behind a pooler in transaction
/// mode, when a migration is missing: there the lock would belong to a session that we do not keep.
pub async fn migrate_with(database: &Database, migrator: &Migrator) -> anyhow::Result<()> {
    if database.pooling() == PoolerMode::Transaction {
        return check(database, migrator).await;
    }
    let mut session = database.connect_alone().await?;
    // A migration of a large table takes longer than a request may take.
    sqlx::query("set statement_timeout = 0").execute(&mut session).await?;
    let migrated = migration_run::run(&mut session, migrator).await;
    session.close().await.ok();
    migrated.map_err(explain)
}

/// Distributes the tables over the nodes of Citus, with all rows; those that are distributed stay as they are. The
/// schema must be up to date.
///
/// # Errors
/// When the database has no Citus or is not its coordinator, when it fails, or behind a pooler in transaction mode.
pub async fn distribute(database: &Database) -> anyhow::Result<()> {
    anyhow::ensure!(
        database.pooling() == PoolerMode::Session,
        "nothing is distributed through a pooler in transaction mode; run `unibooks migrate --distributed \
         --database-pooling session` with DATABASE_URL leading to the coordinator itself"
    );
    let mut session = database.connect_alone().await?;
    // It takes longer than a request may take.
    sqlx::query("set statement_timeout = 0").execute(&mut session).await?;
    migration_lock::acquire(&mut session).await?;
    let distributed = citus::distribute(&mut session).await;
    // The lock ends with the session.
    session.close().await.ok();
    distributed.context("the tables could not be distributed")
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
