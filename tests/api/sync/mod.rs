//! What is read from accounting software, and how fresh it is.

mod leases;
mod pulls;
mod resume;
pub mod status;

use serde_json::Value;
use unibooks::connectors::Connector;
use unibooks::domain::references::Resource;
use unibooks::sync::pull::{self, Failure, store};
use uuid::Uuid;

use crate::support::app::{App, Tenant};
use crate::support::references::path;
use crate::support::software::{connect, job};

/// A server with a tenant whose connection has software.
pub async fn connected() -> (App, Tenant) {
    let app = App::new().await;
    let tenant = app.tenant().await;
    connect(&app, &tenant).await;
    due(&app, &tenant).await;
    (app, tenant)
}

/// The pull of a tenant is due now, and nobody has its lease.
pub async fn due(app: &App, tenant: &Tenant) {
    sqlx::query(
        "insert into pull values ($1, now(), null, null, null, now())
         on conflict (connection_id) do update set due_at = now(), lease_id = null, lease_until = null",
    )
    .bind(tenant.connection_id.0)
    .execute(&mut app.connect().await)
    .await
    .expect("due");
}

/// Takes the lease.
pub async fn lease(app: &App, tenant: &Tenant) -> Option<store::Lease> {
    store::lease(&job(app, tenant), Uuid::now_v7(), pull::LEASE).await.expect("asked")
}

/// Pulls once.
pub async fn pull_once(app: &App, tenant: &Tenant, books: &dyn Connector) -> Result<(), Failure> {
    due(app, tenant).await;
    let lease = lease(app, tenant).await.expect("nobody has it");
    pull::pull(&job(app, tenant), books, &lease, &|| false).await
}

/// The objects of a resource, in the order in which they were first read.
pub async fn objects(app: &App, tenant: &Tenant, resource: Resource) -> Vec<Value> {
    let answer = app.get(tenant, &format!("{}?limit=200&remote_data=true", path(resource))).await;
    answer.json()["data"].as_array().expect("data").clone()
}

/// Their names; those that are gone in brackets.
pub async fn names(app: &App, tenant: &Tenant, resource: Resource) -> Vec<String> {
    let mut names: Vec<_> = objects(app, tenant, resource)
        .await
        .iter()
        .map(|object| {
            let name = object["name"].as_str().or(object["number"].as_str()).expect("a name");
            if object["remote_was_deleted"] == true { format!("({name})") } else { name.to_owned() }
        })
        .collect();
    names.sort();
    names
}
