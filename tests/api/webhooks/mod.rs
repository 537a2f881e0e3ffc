//! Events of a project and webhook endpoints.

mod addresses;
mod created_connections;
mod endpoints;
mod feed;
mod feed_beside_writers;
mod isolation;
mod secrets;
mod stream;
mod verify_event;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use unibooks::domain::ApiKeyScope;

use crate::support::app::{Answer, App, CredentialOptions};

/// The path of the collection of endpoints.
pub const WEBHOOKS: &str = "/webhooks";

/// Calls with the API key of a project that may do everything, and with nothing else.
pub struct Project<'a> {
    pub app: &'a App,
    pub id: unibooks::domain::ProjectId,
    pub key: String,
}

impl<'a> Project<'a> {
    pub async fn new(app: &'a App) -> Self {
        let scopes = ApiKeyScope::ALL.iter().copied().collect();
        let tenant =
            app.tenant_like(CredentialOptions { scopes, expires_at: None }, CredentialOptions::default()).await;
        Self { app, id: tenant.project_id, key: tenant.api_key }
    }

    /// A call without a body.
    pub async fn call(&self, method: &str, path: &str) -> Answer {
        self.app.send(self.request(method, path).body(Body::empty()).expect("a request")).await
    }

    /// A call with a JSON body.
    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path).header("content-type", "application/json");
        self.app.send(request.body(body.to_string().into()).expect("a request")).await
    }

    /// Creates an endpoint of [`body`] and returns its JSON.
    pub async fn create(&self) -> Value {
        let answer = self.send("POST", WEBHOOKS, &body()).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let method: Method = method.parse().expect("a method");
        Request::builder().method(method).uri(path).header("x-api-key", &self.key)
    }
}

/// An endpoint as a program asks for it. Nobody listens there.
pub fn body() -> Value {
    json!({ "url": "http://127.0.0.1:9/hooks", "scope": ["*"], "description": "Ledger" })
}

/// The path of an endpoint.
pub fn path_of(endpoint: &Value) -> String {
    format!("{WEBHOOKS}/{}", endpoint["id_webhook_endpoint"].as_str().expect("an id"))
}
