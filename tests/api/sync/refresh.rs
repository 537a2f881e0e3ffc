//! Invoices that were just paid are read again at once.

use unibooks::domain::RemoteId;
use unibooks::domain::references::Resource;
use unibooks::sync::pull::refresh_invoices;

use super::{connected, names, objects};
use crate::support::software::{Books, Call, job, pull_once};

const INVOICE: Resource = Resource::Invoice;

#[tokio::test]
async fn paid_invoice_is_read_again_and_others_are_not() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    for number in 1..=4 {
        books.put(INVOICE, number, 1, "unpaid");
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    books.remove(INVOICE, 4);
    pull_once(&app, &tenant, &books).await.expect("complete");
    let before = objects(&app, &tenant, INVOICE).await;
    books.put(INVOICE, 1, 2, "paid");
    books.put(INVOICE, 2, 2, "also paid");
    books.calls();
    // The third is gone, and the last was never read.
    let paid: Vec<RemoteId> = ["1", "4", "9"].map(|id| id.parse().expect("an id")).to_vec();
    refresh_invoices(&job(&app, &tenant), &books, &paid).await.expect("read");
    assert_eq!(books.calls(), [Call::Objects(INVOICE, 1)], "one call");
    assert_eq!(names(&app, &tenant, INVOICE).await, ["(unpaid)", "paid", "unpaid", "unpaid"]);
    let refreshed = objects(&app, &tenant, INVOICE).await;
    for (old, new) in before.iter().zip(&refreshed) {
        assert_eq!(old["modified_at"] != new["modified_at"], new["number"] == "paid", "{new}");
    }
    // The next pull reads it once more, because more may have changed meanwhile, and finds nothing new.
    pull_once(&app, &tenant, &books).await.expect("complete");
    assert!(books.calls().contains(&Call::Objects(INVOICE, 2)));
    for (old, new) in refreshed.iter().zip(&objects(&app, &tenant, INVOICE).await) {
        assert_eq!(old != new, new["number"] == "also paid", "{new}");
    }
}

#[tokio::test]
async fn invoice_of_a_connection_that_was_never_pulled_is_not_read() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    books.put(INVOICE, 1, 1, "unpaid");
    let paid: Vec<RemoteId> = vec!["1".parse().expect("an id")];
    refresh_invoices(&job(&app, &tenant), &books, &paid).await.expect("nothing to do");
    assert_eq!((books.calls(), names(&app, &tenant, INVOICE).await), (Vec::new(), Vec::<String>::new()));
}
