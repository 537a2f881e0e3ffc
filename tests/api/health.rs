//! What tells people, load balancers and orchestrators that the server is there.

use axum::body::Body;
use axum::http::Request;

use crate::support::app::{Answer, App};

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
async fn server_without_its_database_lives_but_is_not_ready() {
    let app = App::new().await;
    for probe in ["/livez", "/readyz"] {
        assert_eq!(get(&app, probe).await.status, 200, "{probe}");
    }
    app.database.close().await;
    assert_eq!(get(&app, "/livez").await.status, 200);
    assert_eq!(get(&app, "/health").await.status, 200);
    let answer = get(&app, "/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.json()["code"], "unavailable");
}

#[tokio::test]
async fn server_with_migrations_to_come_is_not_ready() {
    let app = App::new().await;
    let mut connection = app.connect().await;
    let forget = "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
    sqlx::query(forget).execute(&mut connection).await.expect("deleted");
    assert_eq!(get(&app, "/readyz").await.status, 503);
}
