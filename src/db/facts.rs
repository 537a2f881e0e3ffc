//! Facts about a database that are checked before it is used.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Executor, Postgres, Row};

use crate::domain::Clock;

/// What a database reports about itself, its server and our role.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate answer")]
pub(super) struct Facts {
    /// `server_version_num`: 150004 for 15.4.
    pub version_number: i32,
    pub version: String,
    pub encoding: String,
    pub is_standby: bool,
    /// Whether transactions are read-only by default. A transaction that began before a promotion is read-only, too, and
    /// says nothing about the next one.
    pub is_read_only: bool,
    pub timezone: String,
    pub statement_timeout_ms: i64,
    /// Whether Postgres took the parameters from our session, and not from the role, the database or a file.
    pub has_our_parameters: bool,
    /// Settings that let Postgres lose what it has committed.
    pub unsafe_settings: String,
    pub role: String,
    pub database: String,
    /// The schema in which tables are created; `None` when `search_path` names no schema that exists.
    pub schema: Option<String>,
    /// Whether our role may create tables there.
    pub may_create: bool,
    /// How far the database's clock is ahead of this machine's.
    pub ahead: TimeDelta,
}

impl Facts {
    /// Reads them with one statement.
    ///
    /// # Errors
    /// When the database fails, or its answer has other columns.
    pub async fn read(executor: impl Executor<'_, Database = Postgres>, clock: &Clock) -> Result<Self, sqlx::Error> {
        let sent = clock.now();
        // Not prepared: a pooler's session may have another statement of the same name.
        let row = sqlx::raw_sql(
            "select current_setting('server_version_num')::int as version_number,
                    current_setting('server_version') as version,
                    current_setting('server_encoding') as encoding,
                    pg_is_in_recovery() as is_standby,
                    current_setting('default_transaction_read_only') = 'on' as is_read_only,
                    current_setting('TimeZone') as timezone,
                    timeout.setting::bigint as statement_timeout_ms,
                    timeout.source = 'client' as has_our_parameters,
                    (select coalesce(string_agg(name || ' = off', ', '), '') from pg_settings
                     where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off')
                        as unsafe_settings,
                    current_user::text as role, current_database()::text as database, current_schema()::text as schema,
                    coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,
                    clock_timestamp() as now
             from pg_settings timeout where timeout.name = 'statement_timeout'",
        )
        .fetch_one(executor)
        .await?;
        let received = clock.now();
        // The database read its clock between the two times; the middle is the best estimate.
        Self::parse(&row, sent + (received - sent) / 2)
    }

    fn parse(row: &PgRow, here: DateTime<Utc>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            version_number: row.try_get("version_number")?,
            version: row.try_get("version")?,
            encoding: row.try_get("encoding")?,
            is_standby: row.try_get("is_standby")?,
            is_read_only: row.try_get("is_read_only")?,
            timezone: row.try_get("timezone")?,
            statement_timeout_ms: row.try_get("statement_timeout_ms")?,
            has_our_parameters: row.try_get("has_our_parameters")?,
            unsafe_settings: row.try_get("unsafe_settings")?,
            role: row.try_get("role")?,
            database: row.try_get("database")?,
            schema: row.try_get("schema")?,
            may_create: row.try_get("may_create")?,
            ahead: row.try_get::<DateTime<Utc>, _>("now")? - here,
        })
    }
}
