//! What is read from accounting software, and how fresh it is.

mod events;
mod leases;
mod payments;
mod pulls;
mod refresh;
mod resume;
mod server;
mod status;

use serde_json::Value;
use unibooks::domain::references::Resource;

use crate::support::app::{App, Tenant};
use crate::support::references::path;
use crate::support::software::{connect, due};

/// A server with a tenant whose connection has software.
pub async fn connected() -> (App, Tenant) {
    let app = App::new().await;
    let tenant = app.tenant().await;
    connect(&app, &tenant).await;
    due(&app, &tenant).await;
    (app, tenant)
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
