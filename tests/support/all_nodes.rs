//! A count over all nodes of Citus, or on the only Postgres.

use sqlx::{AssertSqlSafe, PgConnection};

/// Sums what a query counts on each node: what waits or runs may be on any of them.
pub async fn count_on_all_nodes(session: &mut PgConnection, query: &str) -> i64 {
    let is_distributed = sqlx::query_scalar("select to_regproc('run_command_on_all_nodes') is not null");
    let is_distributed: bool = is_distributed.fetch_one(&mut *session).await.expect("an answer");
    let on_nodes = format!("select sum(result::bigint)::bigint from run_command_on_all_nodes($${query}$$)");
    let count = AssertSqlSafe(if is_distributed { on_nodes } else { query.to_owned() });
    sqlx::query_scalar(count).fetch_one(session).await.expect(query)
}
