//! The benchmark's own session on a database: it checks what was stored, and finds values for reads.

use anyhow::{Context, ensure};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use uuid::Uuid;

/// A session of Postgres that reads the payments of one connection.
pub struct Session {
    database: PgConnection,
    connection: Uuid,
}

impl Session {
    /// Connects to a database.
    pub async fn open(database: PgConnectOptions, connection: Uuid) -> anyhow::Result<Self> {
        Ok(Self { database: database.connect().await?, connection })
    }

    /// The current time of Postgres.
    pub async fn now(&mut self) -> anyhow::Result<DateTime<Utc>> {
        Ok(sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut self.database).await?)
    }

    /// Fails unless exactly `payments` payments, each with one line item, were stored since `since`. The database must
    /// hold what was answered.
    pub async fn check(&mut self, since: DateTime<Utc>, payments: u64) -> anyhow::Result<()> {
        let (stored, items): (i64, i64) = sqlx::query_as(
            r"
            select count(distinct payment.id), count(item.position)
            from payment
            left join payment_line_item item
                on item.connection_id = payment.connection_id and item.payment_id = payment.id
            where payment.connection_id = $1 and payment.created_at >= $2
            ",
        )
        .bind(self.connection)
        .bind(since)
        .fetch_one(&mut self.database)
        .await?;
        let answered = i64::try_from(payments)?;
        ensure!(
            (stored, items) == (answered, answered),
            "{answered} payments were answered, but {stored} with {items} line items are stored"
        );
        Ok(())
    }

    /// Values of a column, as text, from up to 256 payments that are spread evenly over the connection's list. Nulls
    /// are left out. The list is ordered by id, which begins with 48 bits of milliseconds.
    pub async fn samples(&mut self, column: &str) -> anyhow::Result<Vec<String>> {
        let statement = format!(
            "
            with ends as (
                select min(id::text) as first, max(id::text) as last from (
                    (select id from payment where connection_id = $1 order by id limit 1)
                    union all
                    (select id from payment where connection_id = $1 order by id desc limit 1)
                ) as id
            ),
            span as (
                select ('x' || substr(translate(first, '-', ''), 1, 12))::bit(48)::bigint as first,
                       ('x' || substr(translate(last, '-', ''), 1, 12))::bit(48)::bigint as last
                from ends
            )
            select distinct sample.value
            from span, generate_series(0, 255) step,
                 lateral (
                     select {column}::text as value
                     from payment
                     where connection_id = $1
                       and id >= (lpad(to_hex(first + (last - first) * step / 256), 12, '0') || repeat('0', 20))::uuid
                     order by id
                     limit 1
                 ) sample
            where sample.value is not null
            "
        );
        let values = sqlx::query_scalar(AssertSqlSafe(statement)).bind(self.connection);
        Ok(values.fetch_all(&mut self.database).await?)
    }

    /// The rarest value of a column in the connection, as text.
    pub async fn rarest(&mut self, column: &str) -> anyhow::Result<String> {
        let statement = format!(
            "
            select {column}::text from payment where connection_id = $1 and {column} is not null
            group by {column} order by count(*), {column} limit 1
            "
        );
        let value = sqlx::query_scalar(AssertSqlSafe(statement)).bind(self.connection);
        value.fetch_optional(&mut self.database).await?.with_context(|| format!("no payment has a {column}"))
    }

    /// The bounds of a range in the middle of a time column, as query parameters. Some 20 payments of the connection
    /// are in the range.
    pub async fn range(&mut self, column: &str) -> anyhow::Result<(String, String)> {
        let statement = format!(
            "
            with middle as (
                select percentile_disc(0.5) within group (order by {column}) as moment
                from payment where connection_id = $1
            ),
            following as (
                select {column} as moment from payment
                where connection_id = $1 and {column} > (select moment from middle)
                order by {column}
                limit 20
            )
            select (select moment from middle), (select max(moment) from following)
            "
        );
        let moments = sqlx::query_as(AssertSqlSafe(statement)).bind(self.connection);
        let (after, last): (DateTime<Utc>, DateTime<Utc>) = moments.fetch_one(&mut self.database).await?;
        // The filters exclude both bounds.
        let text = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Micros, true);
        Ok((text(after), text(last + TimeDelta::microseconds(1))))
    }

    /// Runs a checkpoint, so that no round has to write the pages of earlier work.
    pub async fn checkpoint(&mut self) -> anyhow::Result<()> {
        sqlx::query("checkpoint").execute(&mut self.database).await?;
        Ok(())
    }

    /// Creates a database in the same Postgres.
    pub async fn create_database(&mut self, name: &str) -> anyhow::Result<()> {
        sqlx::query(AssertSqlSafe(format!("create database {name}"))).execute(&mut self.database).await?;
        Ok(())
    }

    /// Drops a database.
    pub async fn drop_database(&mut self, name: &str) -> anyhow::Result<()> {
        sqlx::query(AssertSqlSafe(format!("drop database {name}"))).execute(&mut self.database).await?;
        Ok(())
    }

    /// Closes the session.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.database.close().await?)
    }
}
