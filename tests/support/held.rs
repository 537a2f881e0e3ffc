//! A moment that lasts: nothing can be stored while a test holds the payments.

use sqlx::{ConnectOptions, Connection, PgConnection};

use super::app::App;
use super::wait::until;

/// Nothing can be stored while this is held: whoever writes waits in the middle of its statement, and what comes after
/// gathers behind it.
pub struct Held(PgConnection);

impl Held {
    pub async fn on(app: &App) -> Self {
        let mut connection: PgConnection = app.options.connect().await.expect("a connection");
        sqlx::raw_sql("begin; lock table payment in share mode").execute(&mut connection).await.expect("locked");
        Self(connection)
    }

    /// Waits until so many batches are in the middle of their statement.
    pub async fn until_waiting(&mut self, batches: u32) {
        let count = "select count(*) from pg_locks where not granted and relation = 'payment'::regclass
             and database = (select oid from pg_database where datname = current_database())";
        until("the batches wait for the table", async || {
            let waiting: i64 = sqlx::query_scalar(count).fetch_one(&mut self.0).await.expect("a count");
            waiting >= i64::from(batches)
        })
        .await;
    }

    pub async fn release(mut self) {
        sqlx::raw_sql("commit").execute(&mut self.0).await.expect("unlocked");
        self.0.close().await.expect("closed");
    }
}
