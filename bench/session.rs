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

    /// Writes the events of all stored payments into the feed of the project, as if they were new.
    pub async fn announce_all(&mut self, project: Uuid) -> anyhow::Result<()> {
        let statement = "
            with announced as (
                insert into event (project_id, position, connection_id, type, object_id, created_at)
                select $1, row_number() over (order by id), connection_id, 'accounting.payment.created', id, now()
                from payment
                returning position
            )
            insert into event_feed (project_id, last_position) select $1, count(*) from announced
        ";
        sqlx::query(statement).bind(project).execute(&mut self.database).await?;
        sqlx::query("vacuum (analyze) event").execute(&mut self.database).await?;
        self.checkpoint().await
    }

    /// Puts a Tryton that is paused behind the connection, with one invoice and one account, as a first pull finds them.
    pub async fn add_paused_software(&mut self, invoice: Uuid, account: Uuid) -> anyhow::Result<()> {
        let statement = r#"
            with provider as (
                update connection set provider = 'tryton' where id = $1
            ),
            software as (
                insert into connection_software (connection_id, url, company, login, base_currency, sealed_secret, status,
                                                 status_since, created_at, modified_at)
                values ($1, 'http://127.0.0.1:9', '1', 'unified', 'USD', '', 'paused', now(), now(), now())
            )
            insert into reference (connection_id, id, resource, remote_id, position, stamp, fields, remote_data,
                                   remote_was_deleted, created_at, modified_at)
            values
                ($1, $2, 'invoice', '15', '15', '',
                 '{"type": "ACCOUNTS_RECEIVABLE", "number": "15", "currency": "USD", "total_amount": 100000,
                   "balance": 100000, "status": "Open", "tracking_categories": [], "line_items": []}',
                 '{"id": 15, "party": 5, "company": 1, "currency.": {"id": 1, "digits": 2}}', false, now(), now()),
                ($1, $3, 'account', '7', '7', '',
                 '{"name": "Bank", "classification": "Asset", "status": "Active", "is_payment_account": true}',
                 '{"id": 7, "payment_methods": [{"id": 1, "name": "Bank", "debit_account": 7, "credit_account": 7}]}',
                 false, now(), now())
        "#;
        let added = sqlx::query(statement).bind(self.connection).bind(invoice).bind(account);
        added.execute(&mut self.database).await?;
        Ok(())
    }

    /// Lets every webhook endpoint begin at the first event again. No server may run.
    pub async fn rewind(&mut self) -> anyhow::Result<()> {
        let statements = "
            update webhook_delivery
            set position = 0, lease_id = null, lease_until = null, due_at = null, failures = 0, failing_since = null;
            truncate webhook_attempt, webhook_retry
        ";
        sqlx::raw_sql(statements).execute(&mut self.database).await?;
        Ok(())
    }

    /// Gives the first `count` webhook endpoints of each project the second URL, and all others the first one. Those have
    /// failed for a while, or never yet. Nothing waits for any of them. No server may run.
    pub async fn place_endpoints(
        &mut self,
        [live, dead]: [String; 2],
        count: u32,
        is_failing: bool,
    ) -> anyhow::Result<()> {
        let statement = "
            with placed as (
                update webhook_endpoint endpoint set url = case when number <= $3 then $2 else $1 end
                from (
                    select id, row_number() over (partition by project_id order by id) as number from webhook_endpoint
                ) ranked
                where endpoint.id = ranked.id
                returning endpoint.project_id, endpoint.id, number <= $3 and $4 as is_failing
            )
            update webhook_delivery delivery
            set position = coalesce((select last_position from event_feed feed
                                     where feed.project_id = placed.project_id), 0),
                lease_id = null, lease_until = null,
                failures = case when is_failing then 20 else 0 end,
                failing_since = case when is_failing then now() end,
                due_at = case when is_failing then now() + random() * interval '5 minutes' end
            from placed
            where delivery.project_id = placed.project_id and delivery.endpoint_id = placed.id
        ";
        let placed = sqlx::query(statement).bind(live).bind(dead).bind(i64::from(count)).bind(is_failing);
        placed.execute(&mut self.database).await?;
        // Each statement in a transaction of its own.
        for statement in ["truncate webhook_retry", "vacuum (analyze)", "checkpoint"] {
            sqlx::query(statement).execute(&mut self.database).await?;
        }
        Ok(())
    }

    /// How many calls of webhook endpoints are stored as successful. Each delivery is kept, and none that did not arrive.
    pub async fn delivered(&mut self) -> anyhow::Result<u64> {
        let statement = "select count(*) from webhook_attempt where status between 200 and 299";
        let count: i64 = sqlx::query_scalar(statement).fetch_one(&mut self.database).await?;
        Ok(count.try_into()?)
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
