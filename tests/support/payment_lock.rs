//! A lock on the table of payments, to stop create calls in the middle of their statement.

use sqlx::{ConnectOptions, Connection, PgConnection};

use super::all_nodes::count_on_all_nodes;
use super::app::App;
use super::wait::until;

/// A lock under which no payment can be stored. A batch waits in the middle of its statement, and later calls wait in
/// the queue.
pub struct PaymentLock(PgConnection);

impl PaymentLock {
    pub async fn acquire(app: &App) -> Self {
        let mut session: PgConnection = app.options.connect().await.expect("a session");
        sqlx::raw_sql("begin; lock table payment in share mode").execute(&mut session).await.expect("locked");
        Self(session)
    }

    /// Waits until this many batches are blocked in the middle of their statement.
    pub async fn until_blocked(&mut self, batches: u32) {
        let waiting = "select count(*) from pg_locks where not granted and relation = 'payment'::regclass
             and database = (select oid from pg_database where datname = current_database())";
        until("the batches wait for the table", async || {
            count_on_all_nodes(&mut self.0, waiting).await >= i64::from(batches)
        })
        .await;
    }

    pub async fn release(mut self) {
        sqlx::raw_sql("commit").execute(&mut self.0).await.expect("unlocked");
        self.0.close().await.expect("closed");
    }
}
