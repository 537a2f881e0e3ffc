//! The requirements for a database, checked when the server starts. Otherwise calls would fail later.

use std::time::Duration;

use anyhow::{bail, ensure};
use chrono::TimeDelta;
use sqlx::{Connection, Executor, PgConnection, Postgres};

use super::database::Database;
use super::error::Error;
use super::facts::Facts;
use super::migrate::migrate;
use super::pool::PoolerMode;
use super::schema::is_migrated;
use super::tables::TABLES;
use super::{pooler, pooler_check};
use crate::domain::Clock;

/// The oldest Postgres, as `server_version_num`.
const OLDEST: i32 = 140_000;
/// The difference between the clocks of this machine and of the database above which a warning is logged.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::seconds(5);

/// Makes a database ready for this server: checks its properties, applies missing migrations, and checks the privileges
/// of the role.
///
/// # Errors
/// One line that says what to change, or the error of [`migrate`]. [`Error::Unavailable`] on a standby.
pub async fn prepare(database: &Database, clock: &Clock) -> anyhow::Result<()> {
    let facts = match database.pooling() {
        PoolerMode::Session => {
            // First: behind a pooler nothing can be prepared.
            ensure!(!pooler_check::exchanges_sessions(database).await.map_err(pooler::explain)?, pooler::REMEDY);
            let mut session = database.connect_alone().await?;
            let facts = Facts::read(&mut session, clock).await?;
            check(&facts, database.statement_timeout())?;
            check_owner(&facts, &mut session).await?;
            session.close().await?;
            facts
        }
        PoolerMode::Transaction => {
            let facts = Facts::read(database.unopened_statement().await?, clock).await?;
            check(&facts, database.statement_timeout())?;
            facts
        }
    };
    migrate(database).await?;
    database.load_nodes().await?;
    check_privileges(&facts, database.unopened_statement().await?).await?;
    warn(&facts, database.pooling());
    Ok(())
}

fn check(facts: &Facts, timeout: Duration) -> anyhow::Result<()> {
    let Facts { version, encoding, database: name, role, .. } = facts;
    ensure!(facts.version_number >= OLDEST, "Postgres 14 or newer is needed, and DATABASE_URL leads to {version}");
    ensure!(
        encoding == "UTF8",
        "the database {name} is encoded in {encoding}, and UTF8 is needed; make a new one with \
         `create database … encoding 'UTF8' template template0`"
    );
    if facts.is_standby {
        bail!(Error::unavailable(sqlx::Error::Configuration("it is read-only: a standby?".into())));
    }
    ensure!(
        !facts.is_read_only,
        "transactions of {role} in the database {name} are read-only; set default_transaction_read_only = off there"
    );
    check_parameters(facts, timeout)
}

/// Whether the parameters of our sessions are in effect: a pooler can drop them.
fn check_parameters(facts: &Facts, timeout: Duration) -> anyhow::Result<()> {
    let Facts { role, timezone, statement_timeout_ms: ms, .. } = facts;
    let dropped = "a pooler before the database ignores the settings of a session: set \
                     UNIBOOKS_DATABASE_POOLING=transaction if it is in transaction mode, else give them to the role";
    let is_bounded = (1..=timeout.as_millis()).contains(&u128::try_from(*ms).unwrap_or_default());
    ensure!(
        is_bounded,
        "{dropped} (`alter role {role} set statement_timeout = '{}s'`, and it is {ms} ms)",
        timeout.as_secs()
    );
    ensure!(timezone == "UTC", "{dropped} (`alter role {role} set timezone = 'UTC'`, and it is {timezone})");
    Ok(())
}

/// Whether the role may apply the missing migrations.
async fn check_owner(facts: &Facts, session: &mut PgConnection) -> anyhow::Result<()> {
    if is_migrated(&mut *session).await? {
        return Ok(());
    }
    let Facts { role, database, .. } = facts;
    let Some(schema) = &facts.schema else {
        bail!("no schema of the search_path of {role} exists in the database {database}, so tables cannot be made");
    };
    ensure!(
        facts.may_create,
        "migrations are missing, and {role} may not create tables in the schema {schema}; \
         `alter database {database} owner to {role}` lets it"
    );
    let names: Vec<&str> = TABLES.iter().map(|(name, _)| *name).collect();
    let of_others: Option<String> = sqlx::query_scalar(
        "select string_agg(c.relname, ', ' order by c.relname)
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = current_schema() and c.relkind in ('r', 'p') and c.relname = any($1)
             and not pg_has_role(c.relowner, 'usage')",
    )
    .bind(&names)
    .fetch_one(session)
    .await?;
    if let Some(of_others) = of_others {
        bail!(
            "migrations are missing, and {role} does not own the tables {of_others}; run `unibooks migrate` as their \
             owner"
        );
    }
    Ok(())
}

/// Whether the role has the privileges of [`TABLES`].
async fn check_privileges(facts: &Facts, executor: impl Executor<'_, Database = Postgres>) -> anyhow::Result<()> {
    let wanted = TABLES.iter().flat_map(|(table, privileges)| privileges.iter().map(|privilege| (*table, *privilege)));
    let (tables, privileges): (Vec<_>, Vec<_>) = wanted.unzip();
    let missing: Option<String> = sqlx::query_scalar(
        "select string_agg(format('%s on %s', privilege, name), ', ' order by name, privilege)
         from unnest($1::text[], $2::text[]) as wanted (name, privilege)
         where not has_table_privilege(name, privilege)",
    )
    .bind(&tables)
    .bind(&privileges)
    .fetch_one(executor)
    .await?;
    match missing {
        Some(missing) => bail!("the role {} lacks rights: grant it {missing}", facts.role),
        None => Ok(()),
    }
}

/// Warns the operator of what is no reason to stop.
fn warn(facts: &Facts, pooling: PoolerMode) {
    if facts.ahead.abs() > MAX_CLOCK_SKEW {
        tracing::warn!(
            seconds_ahead = facts.ahead.num_seconds(),
            "the clock of the database differs from this machine's: keep both in step (NTP)"
        );
    }
    if !facts.unsafe_settings.is_empty() {
        tracing::warn!(
            settings = facts.unsafe_settings,
            "the database does not wait for its disk: payments that were answered 201 can be lost in a crash"
        );
    }
    if pooling == PoolerMode::Session && !facts.has_our_parameters {
        tracing::warn!(
            "a pooler ignores the settings of a session; lists with a rare filter may be slow (docs/scaling.md)"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::error::is_unavailable;

    fn facts() -> Facts {
        Facts {
            version_number: 150_004,
            version: "15.4".to_owned(),
            encoding: "UTF8".to_owned(),
            is_standby: false,
            is_read_only: false,
            timezone: "UTC".to_owned(),
            statement_timeout_ms: 5_000,
            has_our_parameters: true,
            unsafe_settings: String::new(),
            role: "books".to_owned(),
            database: "accounts".to_owned(),
            schema: Some("public".to_owned()),
            may_create: true,
            ahead: TimeDelta::zero(),
        }
    }

    #[test]
    fn databases_that_cannot_keep_the_promises_are_refused() {
        for (wrong, expected) in [
            (Facts { version_number: 130_012, version: "13.12".to_owned(), ..facts() }, "14 or newer"),
            (Facts { encoding: "LATIN1".to_owned(), ..facts() }, "encoded in LATIN1"),
            (Facts { is_read_only: true, ..facts() }, "default_transaction_read_only"),
        ] {
            let error = check(&wrong, Duration::from_secs(5)).expect_err(expected);
            assert!(error.to_string().contains(expected) && !is_unavailable(&error), "{error}");
        }
        let standby = Facts { is_standby: true, is_read_only: true, ..facts() };
        assert!(is_unavailable(&check(&standby, Duration::from_secs(5)).expect_err("a standby")), "it may be promoted");
    }

    #[test]
    fn parameters_that_a_pooler_drops_are_named() {
        let refused =
            |facts: &Facts| check_parameters(facts, Duration::from_secs(5)).map_err(|error| error.to_string());
        assert_eq!(refused(&facts()), Ok(()));
        assert_eq!(refused(&Facts { statement_timeout_ms: 1_000, ..facts() }), Ok(()), "Postgres gives up earlier");
        for wrong in [
            Facts { statement_timeout_ms: 0, ..facts() },
            Facts { statement_timeout_ms: 5_001, ..facts() },
            Facts { timezone: "Europe/Berlin".to_owned(), ..facts() },
        ] {
            let line = refused(&wrong).expect_err("refused");
            assert!(line.contains("UNIBOOKS_DATABASE_POOLING") && line.contains("alter role books set"), "{line}");
        }
    }
}
