//! What is read of a real Tryton into our references.

use serde_json::Value;
use sqlx::Connection;
use unibooks::connectors::{Connector, Target, registry};
use unibooks::domain::references::Resource;

use crate::support::app::{App, Tenant, remote};
use crate::support::references::path;
use crate::support::software::{connect, pull_once};
use crate::support::tryton::Tryton;

/// A server with a tenant whose software is this Tryton.
async fn connected(tryton: &Tryton) -> (App, Tenant, Box<dyn Connector>) {
    let app = App::new().await;
    let tenant = app.tenant().await;
    connect(&app, &tenant).await;
    let target = Target {
        connection_id: tenant.connection_id,
        url: format!("{}/{}", tryton.url(), tryton.database()),
        database: None,
        company: None,
        login: Some(tryton.login().to_owned()),
        secret: tryton.password().into(),
    };
    let connector = registry::find("tryton").expect("a provider").connect(target, remote().access.client);
    (app, tenant, connector)
}

/// An invoice by its id in Tryton.
async fn invoice(app: &App, tenant: &Tenant, id: i64) -> Value {
    let answer = app.get(tenant, &format!("{}?remote_id={id}", path(Resource::Invoice))).await;
    answer.json()["data"][0].clone()
}

#[tokio::test]
async fn books_of_tryton_are_answered() {
    let tryton = Tryton::start().await;
    let (app, tenant, connector) = connected(&tryton).await;
    let id = tryton.bookkeeper().await.invoice("123.45").await;
    pull_once(&app, &tenant, &*connector).await.expect("complete");
    let read = invoice(&app, &tenant, id).await;
    assert_eq!((&read["total_amount"], &read["balance"]), (&12_345.into(), &12_345.into()), "{read}");
    assert_eq!((&read["status"], &read["type"]), (&"Open".into(), &"ACCOUNTS_RECEIVABLE".into()));
    let contact =
        app.get(&tenant, &format!("/accounting/contacts/{}", read["contact_id"].as_str().expect("a link"))).await;
    assert_eq!(contact.status, 200, "{}", contact.text);
    for resource in [Resource::CompanyInfo, Resource::Account, Resource::Contact, Resource::AccountingPeriod] {
        let page = app.get(&tenant, path(resource)).await.json();
        assert!(!page["data"].as_array().expect("data").is_empty(), "{resource:?}");
    }
    let before = app.get(&tenant, path(Resource::Invoice)).await.text;
    pull_once(&app, &tenant, &*connector).await.expect("complete");
    assert_eq!(app.get(&tenant, path(Resource::Invoice)).await.text, before, "nothing changed");
}

/// Tryton's times of change are those at which its transactions began. One that began before a pull and is committed
/// after it leaves a time before that of what the pull read.
#[tokio::test]
async fn change_that_tryton_commits_late_is_in_the_next_pull() {
    let tryton = Tryton::start().await;
    let (app, tenant, connector) = connected(&tryton).await;
    let bookkeeper = tryton.bookkeeper().await;
    let late = bookkeeper.invoice("10.00").await;
    let mut session = tryton.connect().await;
    let mut transaction = session.begin().await.expect("begun");
    sqlx::query("update account_invoice set description = 'late', write_date = current_timestamp where id = $1")
        .bind(i32::try_from(late).expect("an id"))
        .execute(&mut *transaction)
        .await
        .expect("changed");
    // This begins later and is committed earlier.
    let early = bookkeeper.invoice("20.00").await;
    pull_once(&app, &tenant, &*connector).await.expect("complete");
    assert_eq!(invoice(&app, &tenant, early).await["total_amount"], 2_000);
    assert_ne!(invoice(&app, &tenant, late).await["memo"], "late");
    transaction.commit().await.expect("committed");
    pull_once(&app, &tenant, &*connector).await.expect("complete");
    assert_eq!(invoice(&app, &tenant, late).await["memo"], "late");
    let (late, early) = (invoice(&app, &tenant, late).await, invoice(&app, &tenant, early).await);
    assert!(late["remote_updated_at"].as_str() < early["remote_updated_at"].as_str(), "a time would have missed it");
}
