//! What a pull finds is announced.

use unibooks::connectors::{Error, Sent};
use unibooks::domain::references::Resource;
use uuid::Uuid;

use super::connected;
use crate::support::app::{App, Tenant};
use crate::support::events::{self, Feed};
use crate::support::software::{Books, Call, pull_once};

const INVOICE: Resource = Resource::Invoice;

/// The events after that of the connection itself.
async fn feed(app: &App, tenant: &Tenant) -> Feed {
    let mut feed = events::feed(&app.database, tenant.project_id).await;
    assert_eq!(feed.0.remove(0).kind.as_str(), "connection.created");
    feed
}

fn invoice(tenant: &Tenant, number: u64) -> Uuid {
    INVOICE.id(tenant.connection_id, &number.to_string().parse().expect("an id")).0
}

fn away() -> Error {
    Error::Unavailable { sent: Sent::No, detail: "connection refused".to_owned() }
}

#[tokio::test]
async fn first_complete_pull_has_one_event() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    for &resource in Resource::ALL {
        for number in 1..=7 {
            books.put(resource, number, 1, &format!("{number}"));
        }
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    let feed = feed(&app, &tenant).await;
    assert_eq!(feed.names(), ["sync.completed"]);
    assert_eq!(feed.0[0].object_id, tenant.connection_id.0);
    assert_eq!(feed.0[0].connection_id, Some(tenant.connection_id));
}

#[tokio::test]
async fn what_a_later_pull_finds_is_announced() {
    let (app, tenant) = connected().await;
    let books = Books::with_pages_of(100);
    for number in 1..=5 {
        books.put(INVOICE, number, 1, "first");
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    books.put(INVOICE, 2, 2, "second");
    // The stamp moves, and nothing else does.
    books.put(INVOICE, 4, 2, "first");
    books.remove(INVOICE, 3);
    books.put(INVOICE, 9, 1, "first");
    books.put(Resource::Contact, 1, 1, "Ann");
    pull_once(&app, &tenant, &books).await.expect("complete");
    let found: Vec<_> =
        feed(&app, &tenant).await.0.iter().skip(1).map(|event| (event.kind.as_str(), event.object_id)).collect();
    let contact = Resource::Contact.id(tenant.connection_id, &"1".parse().expect("an id")).0;
    let announced = [
        ("accounting.contact.created", contact),
        ("accounting.invoice.deleted", invoice(&tenant, 3)),
        ("accounting.invoice.created", invoice(&tenant, 9)),
        ("accounting.invoice.updated", invoice(&tenant, 2)),
        ("sync.completed", tenant.connection_id.0),
    ];
    assert_eq!(found, announced);
}

#[tokio::test]
async fn failures_in_a_row_have_one_event() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    for number in 1..=7 {
        books.put(INVOICE, number, 1, "first");
    }
    let fail = |books: &Books| {
        books.plan(|call| match call {
            Call::Keys(INVOICE, Some(after)) if after.ends_with('3') => Err(away()),
            _ => Ok(()),
        });
    };
    for _ in 0..2 {
        fail(&books);
        for _ in 0..2 {
            pull_once(&app, &tenant, &books).await.expect_err("the software is away");
        }
        books.plan(|_| Ok(()));
        pull_once(&app, &tenant, &books).await.expect("complete");
    }
    let names = ["sync.failed", "sync.completed", "sync.failed", "sync.completed"];
    assert_eq!(feed(&app, &tenant).await.names(), names);
}

#[tokio::test]
async fn pull_without_one_resource_is_not_complete() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    books.plan(|call| match call {
        Call::Keys(Resource::Account, _) => Err(Error::Rejected(Vec::new())),
        _ => Ok(()),
    });
    for _ in 0..2 {
        pull_once(&app, &tenant, &books).await.expect("the other resources");
    }
    assert_eq!(feed(&app, &tenant).await.names(), ["sync.failed"]);
}
