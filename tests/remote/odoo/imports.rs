//! The payments of a real Odoo, made by us and by others.

use serde_json::json;
use unibooks::connectors::{Connector, RemoteKey, RemotePayment};
use unibooks::domain::references::InvoiceKind;

use super::books::{DATE, Odoo, new_key, order, servers};
use super::payments::{create, prepare};
use crate::connected::{all_payment_keys, paid_invoices};

/// The key of a payment and the payment, if they are among those of the books.
async fn listed(books: &dyn Connector, id: i64) -> Option<(RemoteKey, RemotePayment)> {
    let keys = all_payment_keys(books).await;
    let key = keys.into_iter().find(|key| key.remote_id.as_str() == id.to_string())?;
    let payment = books.payments(std::slice::from_ref(&key)).await.expect("payments").pop().expect("the payment");
    Some((key, payment))
}

/// A payment in USD that is made by hand: a draft.
async fn draft(odoo: &Odoo, kind: &str, partner: &str, amount: f64) -> i64 {
    let contact = odoo.contact(partner == "customer").await;
    let journal = odoo.search("account.journal", json!([["type", "=", "bank"]]), "id").await[0].clone();
    let payment = json!({"payment_type": kind, "partner_type": partner, "partner_id": contact, "amount": amount,
        "date": DATE, "journal_id": journal});
    odoo.call_with("account.payment", "create", json!([payment])).await.as_i64().expect("an id")
}

#[tokio::test]
async fn payment_made_by_hand_in_odoo_is_read() {
    for odoo in servers().await {
        let books = odoo.connector();
        let invoice = odoo.invoice("out_invoice", "100.00").await;
        let id = draft(&odoo, "inbound", "customer", 40.0).await;
        assert!(listed(&*books, id).await.is_none(), "a draft is not booked");
        odoo.call("account.payment", "action_post", id).await;
        let (on_account, payment) = listed(&*books, id).await.expect("it is booked");
        assert_eq!((payment.amount.get(), payment.currency.code()), (4_000, "USD"));
        assert_eq!((payment.kind, payment.key.is_none()), (Some(InvoiceKind::AccountsReceivable), true));
        assert_eq!((payment.date.to_string().as_str(), payment.is_voided), (DATE, false));
        assert!(payment.allocations.is_empty() && payment.exchange_rate.is_none());
        let bank = odoo.search("account.journal", json!([["type", "=", "bank"]]), "default_account_id").await;
        assert_eq!(payment.account, bank[0][0].as_i64().map(Into::into), "the account of the journal");
        assert_eq!(payment.contact, Some(odoo.contact(true).await.into()));

        let kinds =
            if odoo.is_19 { ("account_type", "asset_receivable") } else { ("account_internal_type", "receivable") };
        let item = json!([["payment_id", "=", id], [kinds.0, "=", kinds.1]]);
        let item = odoo.search("account.move.line", item, "id").await[0].clone();
        odoo.call_with("account.move", "js_assign_outstanding_line", json!([[invoice], item])).await;
        let (matched, payment) = listed(&*books, id).await.expect("it is booked");
        assert_ne!(matched.stamp, on_account.stamp);
        assert_eq!(paid_invoices(&payment), [invoice.into()]);
        assert_eq!(payment.allocations[0].amount, Some(payment.amount));

        odoo.call("account.payment", "action_draft", id).await;
        assert!(listed(&*books, id).await.is_none(), "it is a draft again");
        odoo.call("account.payment", "action_cancel", id).await;
        let (_, cancelled) = listed(&*books, id).await.expect("it was cancelled");
        assert!(cancelled.is_voided && cancelled.allocations.is_empty());

        let refund = draft(&odoo, "outbound", "customer", 7.5).await;
        odoo.call("account.payment", "action_post", refund).await;
        let (_, refund) = listed(&*books, refund).await.expect("it is booked");
        assert_eq!((refund.amount.get(), refund.kind), (-750, Some(InvoiceKind::AccountsReceivable)));
    }
}

#[tokio::test]
async fn own_payment_in_odoo_has_its_key_with_any_memo() {
    for odoo in servers().await {
        let (books, key) = (odoo.connector(), new_key());
        let invoice = odoo.invoice("out_invoice", "100.00").await;
        let paid = create(&*books, &prepare(&order(&*books, Some(invoice), None, 4_000).await, &key)).await;
        let id = paid.remote_id.as_str().parse().expect("a number");
        let (_, read) = listed(&*books, id).await.expect("it is booked");
        assert_eq!((read.key.as_ref(), read.amount), (Some(&key), paid.amount));
        assert_eq!((paid_invoices(&read), read.data.get()), (paid_invoices(&paid), paid.data.get()));
        let memo = if odoo.is_19 { "memo" } else { "ref" };
        odoo.call_with("account.payment", "write", json!([[id], {memo: "Thank you"}])).await;
        assert_eq!(listed(&*books, id).await.expect("it is booked").1.key, Some(key));
    }
}

#[tokio::test]
async fn every_payment_key_of_odoo_is_in_its_order_and_read() {
    for odoo in servers().await {
        let books = odoo.connector();
        let keys = all_payment_keys(&*books).await;
        assert!(keys.is_sorted_by(|a, b| a.position < b.position), "{keys:?}");
        for keys in keys.chunks(100) {
            assert_eq!(books.payments(keys).await.expect("payments").len(), keys.len());
        }
    }
}
