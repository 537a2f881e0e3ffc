//! API keys share the sessions for lists fairly. A list counts until its statement has run.

use sqlx::{ConnectOptions, PgConnection};
use tokio::task::JoinSet;
use unibooks::domain::{ApiKeyId, Clock};

use crate::support::postgres;
use crate::support::wait::until;

/// A quarter of the pool of `postgres::pool`.
const LISTS: i64 = 5;

#[tokio::test]
async fn key_with_a_running_list_waits_behind_a_key_without() {
    let options = postgres::migrated().await;
    let database = postgres::pool(options.clone()).await;
    let mut locks: PgConnection = options.connect().await.expect("a session");
    let now = Clock::system().now();
    let (many, few) = (ApiKeyId::new(now), ApiKeyId::new(now));
    let mut lists = JoinSet::<Result<_, sqlx::Error>>::new();
    for lock in 0..LISTS {
        sqlx::query("select pg_advisory_lock($1)").bind(lock).execute(&mut locks).await.expect("locked");
        let statement = database.list_statement(many).await.expect("a free session");
        let query = sqlx::query("select pg_advisory_xact_lock($1)").bind(lock);
        lists.spawn(async move { query.execute(statement).await });
    }
    let waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted
         and database = (select oid from pg_database where datname = current_database())";
    until("every session runs a list", async || {
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut locks).await.expect("a count") == LISTS
    })
    .await;

    let (mut first, mut second) = (Box::pin(database.list_statement(many)), Box::pin(database.list_statement(few)));
    tokio::select! {
        biased;
        _ = &mut first => panic!("no session is free"),
        _ = &mut second => panic!("no session is free"),
        () = std::future::ready(()) => {}
    }
    sqlx::query("select pg_advisory_unlock(0)").execute(&mut locks).await.expect("unlocked");
    tokio::select! {
        biased;
        _ = &mut first => panic!("the key with running lists was served first"),
        granted = &mut second => drop(granted.expect("a free session")),
    }
    sqlx::query("select pg_advisory_unlock_all()").execute(&mut locks).await.expect("unlocked");
    for list in lists.join_all().await {
        list.expect("it has run");
    }
}
