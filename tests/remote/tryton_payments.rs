//! Payments reach a real Tryton exactly once.

use chrono::{Datelike, NaiveDate};
use serde_json::{Value, json};
use unibooks::connectors::{Error, Found, Outcome, PreparedWrite, RemotePayment};

use crate::connected::{BANK, Connected, new_key, paid_invoices, provider, remote_id, today};
use crate::support::tryton::{Session, Tryton};

/// The entries with the key of a payment, as the bookkeeper sees them.
async fn entries(bookkeeper: &Session, key: &unibooks::domain::WriteKey) -> Vec<Value> {
    let fields = ["date", "state", "origin", "lines.debit", "lines.credit", "lines.account.code"];
    bookkeeper.search("account.move", json!([["description", "=", key.as_str()]]), &fields).await
}

/// What is booked on an account by an entry: debit and credit.
fn booked<'a>(entry: &'a Value, code: &str) -> (&'a str, &'a str) {
    let line = entry["lines."].as_array().expect("lines").iter().find(|line| line["account."]["code"] == code);
    let line = line.expect("a line on the account");
    (line["debit"]["decimal"].as_str().expect("a decimal"), line["credit"]["decimal"].as_str().expect("a decimal"))
}

#[tokio::test]
async fn part_payment_of_a_customer_is_booked() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper, key) = (Connected::new(tryton), tryton.bookkeeper().await, new_key());
    let invoice = bookkeeper.invoice("1000.00").await;
    let paid = books.write(&books.prepare(invoice, "400.00", &key).await).await.expect("a payment");
    assert_eq!(bookkeeper.amount_to_pay(invoice).await, "600.00");
    let entries = entries(&bookkeeper, &key).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(booked(&entries[0], BANK), ("400.00", "0"));
    assert_eq!(entries[0]["state"], "posted");
    assert_eq!(paid.remote_id.as_str(), entries[0]["id"].to_string());
    assert_eq!((paid.amount.get(), paid.currency.code(), paid.date), (40_000, "USD", today()));
    assert_eq!(paid_invoices(&paid), [remote_id(invoice)]);
    assert!(!paid.is_voided && paid.concern.is_none() && paid.remote_updated_at.is_some());
    assert!(paid.data.get().contains(key.as_str()), "the record is Tryton's own");
}

#[tokio::test]
async fn last_payment_of_a_supplier_ends_the_bill() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper, key) = (Connected::new(tryton), tryton.bookkeeper().await, new_key());
    let bill = bookkeeper.invoice_of("in", "USD", "750.25").await;
    books.write(&books.prepare(bill, "0.25", &new_key()).await).await.expect("a payment");
    let paid = books.write(&books.prepare(bill, "750.00", &key).await).await.expect("a payment");
    assert_eq!(bookkeeper.amount_to_pay(bill).await, "0");
    let found = bookkeeper.search("account.invoice", json!([["id", "=", bill]]), &["state"]).await;
    assert_eq!(found[0]["state"], "paid");
    assert_eq!(booked(&entries(&bookkeeper, &key).await[0], BANK), ("0", "750.00"));
    assert_eq!((paid.amount.get(), paid_invoices(&paid)), (75_000, vec![remote_id(bill)]));
}

#[tokio::test]
async fn payment_in_another_currency_keeps_its_amount() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper) = (Connected::new(tryton), tryton.bookkeeper().await);
    for (currency, all, part, units, left) in
        [("EUR", "120.40", "0.30", 30, "120.10"), ("JPY", "15000", "1", 1, "14999")]
    {
        let invoice = bookkeeper.invoice_of("out", currency, all).await;
        let paid = books.write(&books.prepare(invoice, part, &new_key()).await).await.expect("a payment");
        assert_eq!((paid.amount.get(), paid.currency.code()), (units, currency));
        assert_eq!(bookkeeper.amount_to_pay(invoice).await, left);
    }
}

#[tokio::test]
async fn payment_that_was_written_is_found_and_not_repeated() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper, key) = (Connected::new(tryton), tryton.bookkeeper().await, new_key());
    let invoice = bookkeeper.invoice("80.00").await;
    let write = books.prepare(invoice, "30.00", &key).await;
    assert!(matches!(books.connector.find(&write).await.expect("a look-up"), Found::Absent));
    let first = books.write(&write).await.expect("a payment");
    let again = books.write(&write).await.expect("the same payment");
    assert_eq!(first.remote_id, again.remote_id);
    assert_eq!(bookkeeper.amount_to_pay(invoice).await, "50.00");
    let read = books.connector.get(&first.remote_id).await.expect("an answer").expect("a payment");
    assert_eq!((read.amount, paid_invoices(&read)), (first.amount, paid_invoices(&first)));
    let own = bookkeeper.search("account.invoice", json!([["id", "=", invoice]]), &["move"]).await[0]["move"].clone();
    let own = remote_id(own.as_i64().expect("the invoice's own entry"));
    assert!(books.connector.get(&own).await.expect("an answer").is_none());
    assert!(books.connector.get(&remote_id(2_000_000_000)).await.expect("an answer").is_none());
    assert!(books.connector.get(&"no number".parse().expect("an id")).await.expect("an answer").is_none());
}

#[tokio::test]
async fn of_two_senders_with_one_fence_one_pays() {
    let tryton = Tryton::shared().await;
    let (books, other, bookkeeper) = (Connected::new(tryton), Connected::new(tryton), tryton.bookkeeper().await);
    for _ in 0..3 {
        let (invoice, key) = (bookkeeper.invoice("90.00").await, new_key());
        let write = books.prepare(invoice, "20.00", &key).await;
        let fence = books.connector.fence(&write).await.expect("a fence");
        let (one, two) = tokio::join!(books.send(&write, fence.clone()), other.send(&write, fence));
        let (paid, refused): (Vec<_>, Vec<_>) = [one, two].into_iter().partition(Result::is_ok);
        assert_eq!((paid.len(), entries(&bookkeeper, &key).await.len()), (1, 1), "{refused:?}");
        assert_eq!(bookkeeper.amount_to_pay(invoice).await, "70.00");
        assert!(matches!(&refused[0], Err(Error::Conflict(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn stale_fence_is_a_conflict() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper, key) = (Connected::new(tryton), tryton.bookkeeper().await, new_key());
    let invoice = bookkeeper.invoice("90.00").await;
    let write = books.prepare(invoice, "20.00", &key).await;
    let fence = books.connector.fence(&write).await.expect("a fence");
    books.write(&books.prepare(invoice, "20.00", &new_key()).await).await.expect("another payment");
    let refused = books.send(&write, fence).await.expect_err("a conflict");
    assert!(matches!(refused, Error::Conflict(_)), "{refused}");
    assert!(entries(&bookkeeper, &key).await.is_empty());
    assert!(books.connector.create(&write, None).await.is_err(), "nothing is sent without a fence");
}

#[tokio::test]
async fn payment_that_tryton_refuses_is_rejected_with_its_text() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper) = (Connected::new(tryton), tryton.bookkeeper().await);
    let invoice = bookkeeper.invoice("90.00").await;
    let refused = async |write: &PreparedWrite| -> String {
        let error = books.write(write).await.expect_err("a refusal");
        assert_eq!(error.outcome(), Outcome::NotApplied);
        let Error::Rejected(faults) = error else { panic!("{error}") };
        assert_eq!((faults.len(), faults[0].code.as_str()), (1, "refused_by_software"));
        faults[0].detail.clone()
    };
    let too_much = refused(&books.prepare(invoice, "90.01", &new_key()).await).await;
    assert!(too_much.contains("amount to pay") || too_much.contains("greater"), "{too_much}");
    // January of the year before is closed, and no fiscal year has the other day.
    let january = NaiveDate::from_ymd_opt(today().year() - 1, 1, 15).expect("a date");
    let far = NaiveDate::from_ymd_opt(2999, 12, 31).expect("a date");
    let mut order = books.order(invoice, "1.00", BANK).await;
    for date in [january, far] {
        order.date = date;
        let write = provider().prepare(&order, &new_key()).expect("a write");
        let refusal = refused(&write).await;
        assert!(refusal.contains("period") || refusal.contains("fiscal year"), "{refusal}");
    }
    assert_eq!(bookkeeper.amount_to_pay(invoice).await, "90.00");
}

#[tokio::test]
async fn voided_payment_is_seen_as_voided() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper, key) = (Connected::new(tryton), tryton.bookkeeper().await, new_key());
    let invoice = bookkeeper.invoice("90.00").await;
    let write = books.prepare(invoice, "20.00", &key).await;
    let paid = books.write(&write).await.expect("a payment");
    bookkeeper.cancel(&paid.remote_id).await;
    assert_eq!(bookkeeper.amount_to_pay(invoice).await, "90.00");
    let found = |found| -> RemotePayment {
        match found {
            Found::One(payment) => *payment,
            other => panic!("{other:?}"),
        }
    };
    let voided = found(books.connector.find(&write).await.expect("a look-up"));
    assert!(voided.is_voided);
    assert_eq!((voided.remote_id, voided.amount), (paid.remote_id.clone(), paid.amount));
    assert!(books.connector.get(&paid.remote_id).await.expect("an answer").expect("a payment").is_voided);
}
