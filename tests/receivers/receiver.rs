use axum::{Router, body::Bytes, http::{HeaderMap, StatusCode}, routing::post};
use standardwebhooks::Webhook;

async fn hooks(headers: HeaderMap, body: Bytes) -> StatusCode {
    let secret = std::env::var("WEBHOOK_SECRET").expect("the variable WEBHOOK_SECRET");
    if Webhook::new(&secret).expect("a secret").verify(&body, &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    println!("{}", String::from_utf8_lossy(&body));
    StatusCode::NO_CONTENT
}

#[tokio::main]
async fn main() {
    let port = std::env::var("PORT").unwrap_or("3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a free port");
    axum::serve(listener, Router::new().route("/hooks", post(hooks))).await.expect("a server");
}
