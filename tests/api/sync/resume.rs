//! A pull that was cut off goes on where it was, and what was stored before stays.

use std::time::Duration;

use serde_json::{Value, json};
use unibooks::connectors::{Error, Sent};
use unibooks::domain::references::Resource;
use unibooks::sync::pull::{self, Failure};

use super::{connected, names};
use crate::support::app::{App, CredentialOptions, Tenant};
use crate::support::software::{Books, Call, capabilities, due, job, lease, pull_once};
use unibooks::domain::{ApiKeyScope, ApiKeyScopes};

const INVOICE: Resource = Resource::Invoice;

fn away() -> Error {
    Error::Unavailable { sent: Sent::No, detail: "connection refused".to_owned() }
}

async fn status(app: &App, tenant: &Tenant, resource: &str) -> Value {
    let scopes: ApiKeyScopes = [ApiKeyScope::ConnectionsRead].into_iter().collect();
    let (_, api_key) = app.key(tenant.project_id, CredentialOptions { scopes, expires_at: None }).await;
    let answer = app.get(&Tenant { api_key, ..tenant.clone() }, "/sync/status").await.json();
    let data = answer["data"].as_array().expect("data");
    data.iter().find(|status| status["resource"] == resource).expect("the resource").clone()
}

fn filled() -> Books {
    let books = Books::default();
    for number in 1..=10 {
        books.put(INVOICE, number, 1, &format!("{number:02}"));
        books.put(Resource::Account, number, 1, &format!("{number:02}"));
    }
    books
}

#[tokio::test]
async fn pull_that_was_cut_off_goes_on_behind_its_last_page() {
    let (app, tenant) = connected().await;
    let books = filled();
    books.plan(|call| match call {
        Call::Keys(INVOICE, Some(after)) if after.ends_with("06") => Err(away()),
        _ => Ok(()),
    });
    let failure = pull_once(&app, &tenant, &books).await.expect_err("the software is away");
    assert!(matches!(failure, Failure::Software(Error::Unavailable { .. })), "{failure}");
    assert_eq!(names(&app, &tenant, INVOICE).await.len(), 6, "what was read stays");
    let halfway = status(&app, &tenant, "invoice").await;
    assert_eq!((&halfway["status"], &halfway["initial"]), (&json!("failed"), &json!(true)));
    assert_eq!(
        halfway["error"],
        json!({ "code": "unavailable", "detail": "the software cannot be reached: connection refused" })
    );
    assert_eq!(app.get(&tenant, "/accounting/invoices").await.header("last-synced-at"), "", "it is not complete");

    books.plan(|_| Ok(()));
    books.calls();
    pull_once(&app, &tenant, &books).await.expect("complete");
    assert_eq!(books.calls()[0], Call::Keys(INVOICE, Some("000000000006".to_owned())), "no page is read again");
    assert_eq!(names(&app, &tenant, INVOICE).await.len(), 10);
    let done = status(&app, &tenant, "invoice").await;
    assert_eq!((&done["status"], &done["initial"], &done["error"]), (&json!("done"), &json!(false), &Value::Null));
    assert_eq!(app.get(&tenant, "/accounting/invoices").await.header("last-synced-at"), done["last_synced_at"]);
    let accounts = status(&app, &tenant, "account").await;
    assert_eq!(accounts["last_synced_at"], done["last_synced_at"], "one pull");
}

/// An object that is removed behind the place where the pull was cut off is found by the next complete pull.
#[tokio::test]
async fn pull_is_cut_off_at_every_call_and_ends_complete() {
    let (app, tenant) = connected().await;
    let books = filled();
    let mut left = 0;
    let mut attempts = 0;
    loop {
        left += 1;
        let mut countdown = left;
        books.plan(move |_| {
            countdown -= 1;
            if countdown == 0 { Err(away()) } else { Ok(()) }
        });
        attempts += 1;
        match pull_once(&app, &tenant, &books).await {
            Ok(()) => break,
            Err(Failure::Software(_)) => {}
            Err(failure) => panic!("{failure}"),
        }
        assert!(attempts < 50, "the pull never ends");
    }
    let wanted: Vec<_> = (1..=10).map(|number| format!("{number:02}")).collect();
    assert_eq!(names(&app, &tenant, INVOICE).await, wanted);
    assert_eq!(names(&app, &tenant, Resource::Account).await, wanted);
}

#[tokio::test]
async fn resource_that_is_refused_does_not_hold_up_the_others() {
    let (app, tenant) = connected().await;
    let books = filled();
    pull_once(&app, &tenant, &books).await.expect("complete");
    let before = status(&app, &tenant, "account").await;
    books.plan(|call| match call {
        Call::Keys(Resource::Account, _) => Err(Error::Unsupported("you may not read accounts".to_owned())),
        _ => Ok(()),
    });
    books.put(INVOICE, 11, 1, "11");
    pull_once(&app, &tenant, &books).await.expect("the others are complete");
    assert_eq!(names(&app, &tenant, INVOICE).await.len(), 11);
    assert_eq!(names(&app, &tenant, Resource::Account).await.len(), 10, "what was read stays");
    let refused = status(&app, &tenant, "account").await;
    assert_eq!(refused["error"], json!({ "code": "unsupported", "detail": "you may not read accounts" }));
    assert_eq!((&refused["status"], &refused["last_synced_at"]), (&json!("failed"), &before["last_synced_at"]));
}

#[tokio::test]
async fn pull_stops_between_two_pages() {
    let (app, tenant) = connected().await;
    let books = filled();
    let lease = lease(&app, &tenant).await.expect("nobody has it");
    let pages = std::sync::atomic::AtomicU32::new(0);
    let is_stopping = || pages.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2;
    let stopped = pull::pull(&job(&app, &tenant), &books, capabilities(), &lease, &is_stopping).await;
    assert!(matches!(stopped, Err(Failure::Stopped)), "{stopped:?}");
    pull::store::release(&job(&app, &tenant), &lease, Duration::ZERO).await.expect("released");
    due(&app, &tenant).await;
    pull_once(&app, &tenant, &books).await.expect("complete");
    assert_eq!(names(&app, &tenant, INVOICE).await.len(), 10);
}
