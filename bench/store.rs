//! What the benchmark asks the database itself, beside server and pgbench.

use anyhow::ensure;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use uuid::Uuid;

/// A look at the payments of one connection.
pub struct Store {
    database: PgConnection,
    connection: Uuid,
}

impl Store {
    /// Connects.
    pub async fn open(database: PgConnectOptions, connection: Uuid) -> anyhow::Result<Self> {
        Ok(Self { database: database.connect().await?, connection })
    }

    /// Postgres' time.
    pub async fn now(&mut self) -> anyhow::Result<DateTime<Utc>> {
        Ok(sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut self.database).await?)
    }

    /// Fails unless exactly `payments` payments, with a line item each, were stored since `since`: what was answered
    /// must be what is there.
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
        let said = i64::try_from(payments)?;
        ensure!(
            (stored, items) == (said, said),
            "{said} payments were said to be stored, but {stored} with {items} line items are"
        );
        Ok(())
    }

    /// Disconnects.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.database.close().await?)
    }
}
