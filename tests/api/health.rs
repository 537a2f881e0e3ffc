//! Health routes for people, load balancers and orchestrators.

use axum::body::Body;
use axum::http::Request;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::support::app::{Answer, App};
use crate::support::wait::until;

async fn get(app: &App, path: &str) -> Answer {
    app.send(Request::get(path).body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn root_greets_in_plain_text() {
    let app = App::new().await;
    let answer = get(&app, "/").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/plain"), "existing clients decode nothing else");
    assert!(answer.text.starts_with("unibooks"));
}

#[tokio::test]
async fn health_is_the_json_number_200() {
    let app = App::new().await;
    let answer = get(&app, "/health").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.text, "200");
}

#[tokio::test]
async fn server_without_database_is_alive_but_not_ready() {
    let app = App::new().await;
    for probe in ["/livez", "/readyz"] {
        assert_eq!(get(&app, probe).await.status, 200, "{probe}");
    }
    app.database.close().await;
    assert_eq!(get(&app, "/livez").await.status, 200);
    assert_eq!(get(&app, "/health").await.status, 200);
    until("the outcome before has come to its end", async || get(&app, "/readyz").await.status == 503).await;
    let answer = get(&app, "/readyz").await;
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.json()["code"], "unavailable");
}

#[tokio::test]
async fn server_with_pending_migrations_is_not_ready() {
    let app = App::new().await;
    let mut connection = app.connect().await;
    let forget = "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
    sqlx::query(forget).execute(&mut connection).await.expect("deleted");
    assert_eq!(get(&app, "/readyz").await.status, 503);
}

#[tokio::test]
async fn concurrent_probes_share_one_database_check() {
    let app = App::new().await;
    let probes = std::iter::repeat_with(|| {
        let router = app.router.clone();
        async move { router.oneshot(Request::get("/readyz").body(Body::empty()).expect("a request")).await }
    });
    for response in probes.take(200).collect::<JoinSet<_>>().join_all().await {
        assert_eq!(response.expect("the router does not fail").status(), 200);
    }
    // A session reports its statistics when it ends.
    app.database.close().await;
    let mut connection = app.connect().await;
    let others = "select count(*) from pg_stat_activity
                  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";
    until("all sessions have ended", async || {
        sqlx::query_scalar::<_, i64>(others).fetch_one(&mut connection).await.expect("a count") == 0
    })
    .await;
    let transactions = "select xact_commit from pg_stat_database where datname = current_database()";
    let transactions: i64 = sqlx::query_scalar(transactions).fetch_one(&mut connection).await.expect("a count");
    assert!((1..50).contains(&transactions), "{transactions} transactions of 200 probes");
}
