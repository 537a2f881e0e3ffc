//! Applies migrations while other servers create and read payments.
//!
//! A statement that changes a table waits for all transactions that use the table, and every later statement queues
//! behind it. Beside a long reader such as `pg_dump`, that would stop the API until the reader ends. So a migration
//! gives up after [`LOCK_TIMEOUT`], is rolled back, and is tried again after a pause.

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::progress::with_progress;
use super::{citus, migration_lock};

/// How long a statement waits for a lock, and others behind it. It is shorter than `deadlock_timeout` of Postgres (1
/// s), so that in a deadlock the migration gives up, and never a request.
const LOCK_TIMEOUT: &str = "500ms";
/// The pause before the second attempt. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// The table of applied migrations, as sqlx names it.
const TABLE: &str = "_sqlx_migrations";

/// Applies the missing migrations, with as many attempts as it takes to get their locks.
pub(super) async fn run(session: &mut PgConnection, migrator: &Migrator) -> Result<(), MigrateError> {
    let mut pause = FIRST_PAUSE;
    let mut attempted = None;
    loop {
        migration_lock::acquire(session).await?;
        let applied = apply_missing(session, migrator, &mut attempted).await;
        // Between two attempts other servers may take the lock: an older server that waits for it holds a snapshot.
        let released = migration_lock::release(session).await;
        match applied {
            Err(error) if is_lock_conflict(&error) => {
                if pause == FIRST_PAUSE {
                    let transaction = oldest_transaction(session).await?;
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        transaction,
                        "a migration waits for transactions that use its tables; it is tried again until it succeeds"
                    );
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            applied => return applied.and(released.map_err(MigrateError::from)),
        }
    }
}

/// Whether a statement failed because it did not get a lock.
fn is_lock_conflict(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else { return false };
    // lock_not_available, deadlock_detected
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == "55P03" || code == "40P01")
}

/// Applies the missing migrations, with one attempt. `attempted` is the version of the last migration that was begun.
async fn apply_missing(
    session: &mut PgConnection,
    migrator: &Migrator,
    attempted: &mut Option<i64>,
) -> Result<(), MigrateError> {
    sqlx::query(AssertSqlSafe(format!("set lock_timeout = '{LOCK_TIMEOUT}'"))).execute(&mut *session).await?;
    // Not `create table if not exists` each time: it needs the right to create even when the table is there.
    let exists = sqlx::query_scalar("select to_regclass($1) is not null").bind(TABLE).fetch_one(&mut *session);
    if !exists.await? {
        session.ensure_migrations_table(TABLE).await?;
    }
    if let Some(version) = session.dirty_version(TABLE).await? {
        return Err(MigrateError::Dirty(version));
    }
    let applied = session.list_applied_migrations(TABLE).await?;
    if let Some(unknown) = applied.iter().find(|applied| !migrator.version_exists(applied.version)) {
        return Err(MigrateError::VersionMissing(unknown.version));
    }
    for migration in migrator.iter() {
        match applied.iter().find(|applied| applied.version == migration.version) {
            Some(applied) if applied.checksum != migration.checksum => {
                return Err(MigrateError::VersionMismatch(migration.version));
            }
            Some(_) => {}
            None => {
                let is_retry = attempted.replace(migration.version) == Some(migration.version);
                apply(session, migration, is_retry).await?;
                citus::distribute_new_tables(session).await?;
            }
        }
    }
    Ok(())
}

async fn apply(session: &mut PgConnection, migration: &Migration, is_retry: bool) -> Result<(), MigrateError> {
    let Migration { version, description, no_tx, .. } = migration;
    if !is_retry {
        tracing::info!(version, %description, "a migration begins");
    }
    let words = words(migration.sql.as_str());
    if *no_tx && words.contains(&"concurrently") {
        // It waits for readers and writers without blocking them, for as long as it takes.
        sqlx::query("set lock_timeout = 0").execute(&mut *session).await?;
        drop_invalid_indexes(session, &words).await?;
    } else {
        sqlx::query(AssertSqlSafe(format!("set lock_timeout = '{LOCK_TIMEOUT}'"))).execute(&mut *session).await?;
        if is_retry {
            try_locks(session, &words).await?;
        }
    }
    let log = |seconds| tracing::info!(version, seconds, "a migration is at work");
    let (applied, _with_ours) = with_progress(log, session.apply(TABLE, migration)).await;
    let elapsed = applied?;
    tracing::info!(version, duration_ms = elapsed.as_millis(), "a migration is applied");
    Ok(())
}

/// The words of SQL, without its comments.
fn words(sql: &str) -> Vec<&str> {
    let code = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    let words = code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|word| !word.is_empty()).collect()
}

/// Drops the invalid index that an interrupted `create index concurrently` has left. It costs every write and serves no
/// read, and `if not exists` counts it as existing.
async fn drop_invalid_indexes(session: &mut PgConnection, words: &[&str]) -> Result<(), sqlx::Error> {
    let invalid: Vec<String> = sqlx::query_scalar(
        "select i.indexrelid::regclass::text
         from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
         where not i.indisvalid and n.nspname = current_schema() and c.relname = any($1)",
    )
    .bind(words)
    .fetch_all(&mut *session)
    .await?;
    for index in invalid {
        tracing::warn!(index, "an index that was not finished is dropped and built again");
        let drop = AssertSqlSafe(format!("drop index concurrently if exists {index}"));
        sqlx::raw_sql(drop).execute(&mut *session).await?;
    }
    Ok(())
}

/// Takes the strongest lock on each table that a migration names, directly or by an index, and releases it. So a
/// migration that cannot get its locks fails before it has built indexes that would be rolled back.
async fn try_locks(session: &mut PgConnection, words: &[&str]) -> Result<(), sqlx::Error> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select distinct t.oid::regclass::text
         from pg_class t join pg_namespace n on n.oid = t.relnamespace
         left join pg_index i on i.indrelid = t.oid left join pg_class x on x.oid = i.indexrelid
         where t.relkind in ('r', 'p') and n.nspname = current_schema() and (t.relname = any($1) or x.relname = any($1))
         order by 1",
    )
    .bind(words)
    .fetch_all(&mut *session)
    .await?;
    if tables.is_empty() {
        return Ok(());
    }
    let mut transaction = session.begin().await?;
    let lock = AssertSqlSafe(format!("lock table {} in access exclusive mode", tables.join(", ")));
    sqlx::raw_sql(lock).execute(&mut *transaction).await?;
    transaction.rollback().await
}

/// The transaction that the operator may end when a migration must not wait. Postgres hides other roles' transactions
/// from a role without `pg_read_all_stats`.
async fn oldest_transaction(session: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let query = "select format('pid %s, application %s, since %s', pid, application_name, xact_start)
         from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
         order by xact_start limit 1";
    sqlx::query_scalar(query).fetch_optional(session).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_comments_do_not_count() {
        let sql = "-- no-transaction\ncreate index concurrently if not exists a_b -- not c\n on \"t\" (x);";
        let words = words(sql);
        assert_eq!(words, ["create", "index", "concurrently", "if", "not", "exists", "a_b", "on", "t", "x"]);
    }
}
