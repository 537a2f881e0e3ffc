//! The payments of a real ERPNext, made by us and by others.

use serde_json::json;
use unibooks::connectors::{Connector, RemoteAllocation, RemoteKey, RemotePayment};
use unibooks::domain::references::InvoiceKind;

use super::books::{Books, minor, new_key, prepare_under, remote_id};
use crate::connected::{all_payment_keys, paid_invoices};

/// The key of a payment and the payment, if they are among those of the books.
async fn listed(connector: &dyn Connector, name: &str) -> Option<(RemoteKey, RemotePayment)> {
    let keys = all_payment_keys(connector).await;
    assert!(keys.is_sorted_by(|a, b| a.position < b.position), "{keys:?}");
    let key = keys.into_iter().find(|key| key.remote_id.as_str() == name)?;
    let payment = connector.payments(std::slice::from_ref(&key)).await.expect("payments").pop().expect("the payment");
    Some((key, payment))
}

#[tokio::test]
async fn payment_made_by_hand_in_erpnext_is_read() {
    let Some(books) = Books::open() else { return };
    let connector = books.connector();
    let invoices =
        [books.sales_invoice("Acme Customer", "30.00").await, books.sales_invoice("Acme Customer", "70").await];
    let bank = books.bank("USD").await;
    let receivable: serde_json::Value = serde_json::from_str(invoices[0].remote_data.get()).expect("JSON");
    let references =
        [("Sales Invoice", &invoices[0], 30.0), ("Sales Invoice", &invoices[1], 60.5)].map(|(kind, of, part)| {
            let name = of.remote_id.as_str().split_once('/').expect("a name").1;
            json!({"reference_doctype": kind, "reference_name": name, "allocated_amount": part})
        });
    let entry = json!({
        "payment_type": "Receive", "party_type": "Customer", "party": "Acme Customer", "company": books.company,
        "posting_date": "2026-11-26", "paid_from": receivable["debit_to"], "paid_to": bank.remote_id.as_str(),
        "paid_amount": 100.0, "received_amount": 100.0, "source_exchange_rate": 1, "target_exchange_rate": 1,
        "reference_no": "by hand", "reference_date": "2026-11-26", "references": references,
    });
    let draft = books.make("Payment Entry", entry.clone()).await;
    assert!(listed(&*connector, &draft).await.is_none(), "a draft is not booked");
    let mut submitted = entry;
    submitted["docstatus"] = json!(1);
    let name = books.make("Payment Entry", submitted).await;
    let (key, payment) = listed(&*connector, &name).await.expect("it is booked");
    assert_eq!((payment.amount, payment.currency.code(), payment.key.as_ref()), (minor(10_000), "USD", None));
    assert_eq!(payment.kind, Some(InvoiceKind::AccountsReceivable));
    assert_eq!((payment.account, payment.contact), (Some(bank.remote_id), Some(remote_id("Customer/Acme Customer"))));
    let parts = [(&invoices[0], 3_000), (&invoices[1], 6_050)];
    let parts = parts.map(|(of, part)| RemoteAllocation { invoice: of.remote_id.clone(), amount: Some(minor(part)) });
    assert_eq!((payment.allocations, payment.is_voided), (parts.to_vec(), false));

    books.cancel(&name).await;
    let (cancelled, payment) = listed(&*connector, &name).await.expect("it was cancelled");
    assert!(payment.is_voided);
    assert_eq!(cancelled.position, key.position);
    assert_ne!(cancelled.stamp, key.stamp);
}

#[tokio::test]
async fn own_payment_in_erpnext_has_its_key() {
    let Some(books) = Books::open() else { return };
    let (connector, key) = (books.connector(), new_key());
    let invoice = books.sales_invoice("Acme Customer", "30.00").await;
    let write = prepare_under(&books.order(1_000, "USD", vec![(invoice, 1_000)]).await, &key);
    let made = connector.create(&write, None).await.expect("a payment");
    let (_, read) = listed(&*connector, made.remote_id.as_str()).await.expect("it is booked");
    assert_eq!((read.key, read.amount, read.remote_updated_at), (Some(key), made.amount, made.remote_updated_at));
    assert_eq!(read.allocations, made.allocations);
    assert_eq!(paid_invoices(&made).len(), 1);
}
