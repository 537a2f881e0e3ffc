//! The books that the tests of Tryton start from.

use serde_json::json;

use crate::support::tryton::{Session, Tryton};

#[tokio::test]
async fn connectors_user_finds_a_seeded_invoice_in_tryton() {
    let tryton = Tryton::shared().await;
    let user = Session::sign_in(&tryton.url(), tryton.database(), tryton.login(), tryton.password()).await;
    let first = json!([["party.name", "=", "Acme Corporation"], ["state", "=", "posted"]]);
    let fields = ["state", "total_amount", "amount_to_pay", "currency.code"];
    let invoices = user.search("account.invoice", first, &fields).await;
    assert_eq!(invoices[0]["total_amount"]["decimal"], "1000.00");
    assert_eq!(invoices[0]["amount_to_pay"]["decimal"], "1000.00");
    assert_eq!(invoices[0]["currency."]["code"], "USD");
}

#[tokio::test]
async fn new_invoices_are_posted_and_unpaid() {
    let bookkeeper = Tryton::shared().await.bookkeeper().await;
    for (kind, currency, amount) in [("out", "USD", "400.00"), ("out", "EUR", "0.30"), ("in", "USD", "750.25")] {
        let invoice = bookkeeper.invoice_of(kind, currency, amount).await;
        assert_eq!(bookkeeper.amount_to_pay(invoice).await, amount);
    }
}

#[tokio::test]
async fn killed_tryton_keeps_its_address_and_its_books() {
    let mut tryton = Tryton::start().await;
    let url = tryton.url();
    let invoice = tryton.bookkeeper().await.invoice("12.34").await;
    tryton.kill();
    assert!(reqwest::get(&url).await.is_err(), "it has ended");
    tryton.restart().await;
    assert_eq!(tryton.url(), url);
    assert_eq!(tryton.bookkeeper().await.amount_to_pay(invoice).await, "12.34");
    tryton.stop();
    assert!(reqwest::get(&url).await.is_err(), "it has ended");
}
