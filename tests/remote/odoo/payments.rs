//! Payments that are written into a real Odoo, once.

use std::time::Duration;

use serde_json::json;
use unibooks::connectors::{Connector, Error, Found, Outcome, PaymentOrder, PreparedWrite, RemotePayment, registry};
use unibooks::domain::WriteKey;

use super::books::{DATE, Odoo, new_key, order, servers};
use crate::connected::paid_invoices;

pub fn prepare(order: &PaymentOrder, key: &WriteKey) -> PreparedWrite {
    registry::find("odoo").expect("Odoo").prepare(order, key).unwrap_or_else(|faults| panic!("{faults:?}"))
}

async fn found(books: &dyn Connector, write: &PreparedWrite) -> Option<RemotePayment> {
    match books.find(write).await.expect("a look-up") {
        Found::One(payment) => Some(*payment),
        Found::Absent => None,
        other => panic!("{other:?}"),
    }
}

/// Sends a payment until Odoo has it: other tests write at the same time, and Odoo rolls one of them back.
pub async fn create(books: &dyn Connector, write: &PreparedWrite) -> RemotePayment {
    loop {
        let fence = books.fence(write).await.expect("a fence");
        match books.create(write, fence).await {
            Err(error) if error.outcome() == Outcome::Unknown => eprintln!("{error}"),
            sent => return sent.expect("a payment"),
        }
    }
}

/// Writes a payment as the server does, and checks that it is found again.
async fn pay(books: &dyn Connector, write: &PreparedWrite) -> RemotePayment {
    assert!(found(books, write).await.is_none(), "nothing was sent yet");
    let paid = create(books, write).await;
    assert_eq!(paid.concern, None);
    let again = found(books, write).await.expect("it is found");
    let read = books.get(&paid.remote_id).await.expect("an answer").expect("it is there");
    for other in [again, read] {
        assert_eq!((&other.remote_id, other.amount, other.date), (&paid.remote_id, paid.amount, paid.date));
        assert_eq!((paid_invoices(&other), other.is_voided), (paid_invoices(&paid), false));
    }
    paid
}

/// A posted invoice, and a payment of it that is written.
async fn paid_invoice(odoo: &Odoo, books: &dyn Connector) -> (i64, PreparedWrite, i64) {
    let invoice = odoo.invoice("out_invoice", "100.00").await;
    let write = prepare(&order(books, Some(invoice), None, 4_000).await, &new_key());
    let payment = pay(books, &write).await;
    assert_eq!(odoo.residual(invoice).await, "60.0");
    (invoice, write, payment.remote_id.as_str().parse().expect("a number"))
}

#[tokio::test]
async fn invoice_is_paid_in_part_and_then_in_full() {
    for odoo in servers().await {
        let books = odoo.connector();
        for kind in ["out_invoice", "in_invoice"] {
            let invoice = odoo.invoice(kind, "1000.10").await;
            for (cents, left) in [(40_005, "600.05"), (60_005, "0.0")] {
                let (order, key) = (order(&*books, Some(invoice), None, cents).await, new_key());
                let write = prepare(&order, &key);
                assert_eq!(write, prepare(&order, &key), "the same bytes");
                let payment = pay(&*books, &write).await;
                assert_eq!(
                    (payment.amount, payment.currency, payment.date),
                    (order.amount, order.currency, order.date)
                );
                assert_eq!(paid_invoices(&payment), write.invoices);
                assert_eq!(odoo.residual(invoice).await, left);
                assert_eq!(odoo.payments(&key).await.len(), 1);
            }
        }
    }
}

#[tokio::test]
async fn payment_on_account_pays_no_invoice() {
    for odoo in servers().await {
        let books = odoo.connector();
        for is_customer in [true, false] {
            let contact = odoo.contact(is_customer).await;
            let payment = pay(&*books, &prepare(&order(&*books, None, Some(contact), 1_234).await, &new_key())).await;
            assert!(paid_invoices(&payment).is_empty() && payment.amount.get() == 1_234);
        }
    }
}

#[tokio::test]
async fn same_key_sent_by_many_is_one_payment() {
    for odoo in servers().await {
        let books = odoo.connector();
        let (invoice, key) = (odoo.invoice("out_invoice", "100.00").await, new_key());
        let write = prepare(&order(&*books, Some(invoice), None, 3_000).await, &key);
        let (first, second) = (odoo.connector(), odoo.connector());
        let senders = tokio::join!(first.create(&write, None), second.create(&write, None), books.create(&write, None));
        for sender in [senders.0, senders.1, senders.2] {
            assert!(!matches!(sender, Err(Error::Rejected(_))), "one of them has written it: {sender:?}");
        }
        let payment = create(&*books, &write).await;
        assert_eq!(odoo.payments(&key).await.len(), 1);
        assert_eq!((paid_invoices(&payment), odoo.residual(invoice).await.as_str()), (write.invoices.clone(), "70.0"));
    }
}

#[tokio::test]
async fn sender_that_dies_at_any_moment_leaves_one_payment() {
    for odoo in servers().await {
        let books = odoo.connector();
        for round in 0..16 {
            let (invoice, key) = (odoo.invoice("out_invoice", "100.00").await, new_key());
            let write = prepare(&order(&*books, Some(invoice), None, 3_000).await, &key);
            // The time decides only in which step it dies.
            let _ =
                tokio::time::timeout(Duration::from_millis(30 * round), odoo.connector().create(&write, None)).await;
            let payment = loop {
                match books.find(&write).await {
                    Ok(Found::One(payment)) => break payment,
                    Ok(Found::Absent | Found::Unfinished) => drop(books.create(&write, None).await),
                    // The call that was left may end at this moment.
                    Err(Error::Conflict(detail)) => eprintln!("{detail}"),
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(paid_invoices(&payment), write.invoices, "round {round}: {payment:?}");
            assert_eq!(odoo.payments(&key).await.len(), 1, "round {round}");
            assert_eq!(odoo.residual(invoice).await, "70.0", "round {round}");
        }
    }
}

#[tokio::test]
async fn step_that_was_undone_by_hand_is_done_again() {
    for odoo in servers().await {
        let books = odoo.connector();
        let (invoice, write, payment) = paid_invoice(&odoo, &*books).await;
        odoo.unmatch(invoice).await;
        assert_eq!(odoo.residual(invoice).await, "100.0");
        assert!(matches!(books.find(&write).await, Ok(Found::Unfinished)));
        let again = create(&*books, &write).await;
        assert_eq!((again.remote_id.as_str(), again.concern), (&*payment.to_string(), None));
        assert_eq!(odoo.residual(invoice).await, "60.0");
        // Odoo 19 keeps the match of a draft.
        odoo.call("account.payment", "action_draft", payment).await;
        assert!(matches!(books.find(&write).await, Ok(Found::Unfinished)));
        let posted = create(&*books, &write).await;
        assert_eq!((paid_invoices(&posted), posted.concern), (write.invoices, None));
        assert_eq!(odoo.residual(invoice).await, "60.0");
    }
}

#[tokio::test]
async fn draft_with_another_amount_is_shown_and_not_posted() {
    for odoo in servers().await {
        let books = odoo.connector();
        let (invoice, write, payment) = paid_invoice(&odoo, &*books).await;
        odoo.call("account.payment", "action_draft", payment).await;
        odoo.call_with("account.payment", "write", json!([[payment], {"amount": 41}])).await;
        assert_eq!(found(&*books, &write).await.expect("it is found").amount.get(), 4_100);
        assert_eq!(books.create(&write, None).await.expect("it is found").amount.get(), 4_100);
        assert_eq!(odoo.residual(invoice).await, "100.0");
    }
}

#[tokio::test]
async fn payment_cancelled_by_hand_is_found_as_voided() {
    for odoo in servers().await {
        let books = odoo.connector();
        let (invoice, write, payment) = paid_invoice(&odoo, &*books).await;
        if !odoo.is_19 {
            odoo.call("account.payment", "action_draft", payment).await;
        }
        odoo.call("account.payment", "action_cancel", payment).await;
        let voided = found(&*books, &write).await.expect("it is found");
        assert!(voided.is_voided && voided.remote_id.as_str() == payment.to_string());
        assert!(books.create(&write, None).await.expect("it is found").is_voided, "it is not written again");
        assert_eq!(odoo.residual(invoice).await, "100.0");
    }
}

#[tokio::test]
async fn payment_with_a_reversed_entry_is_voided() {
    for odoo in servers().await {
        let books = odoo.connector();
        let (_, write, payment) = paid_invoice(&odoo, &*books).await;
        let payments = json!([["id", "=", payment]]);
        let entry = odoo.search("account.payment", payments.clone(), "move_id").await[0][0].clone();
        let journal = odoo.search("account.payment", payments, "journal_id").await[0][0].clone();
        let active = json!({"allowed_company_ids": [1], "active_model": "account.move", "active_ids": [entry]});
        let context = json!({"context": active});
        let reversal = json!([[{"move_ids": [[6, 0, [entry]]], "journal_id": journal, "date": DATE}]]);
        let wizard = odoo.administer("account.move.reversal", "create", reversal, context.clone()).await;
        let method = if odoo.is_19 { "refund_moves" } else { "reverse_moves" };
        odoo.administer("account.move.reversal", method, json!([[wizard[0]]]), context).await;
        let reversals = json!([["reversed_entry_id", "=", entry]]);
        if odoo.search("account.move", reversals.clone(), "state").await[0] == "draft" {
            assert!(!found(&*books, &write).await.expect("it is found").is_voided, "a draft reverses nothing");
            let draft = odoo.search("account.move", reversals, "id").await[0].clone();
            odoo.administer("account.move", "action_post", json!([[draft]]), json!({})).await;
        }
        assert!(found(&*books, &write).await.expect("it is found").is_voided);
    }
}

#[tokio::test]
async fn what_cannot_be_paid_is_refused_with_its_pointer() {
    for odoo in servers().await {
        let books = odoo.connector();
        let (invoice, draft) = (odoo.invoice("out_invoice", "100.00").await, odoo.draft("out_invoice", "50.00").await);
        let key = new_key();
        let too_much = prepare(&order(&*books, Some(invoice), None, 10_001).await, &key);
        let Err(Error::Rejected(faults)) = books.create(&too_much, None).await else { panic!("it was not refused") };
        assert_eq!((faults[0].pointer.as_str(), faults[0].code.as_str()), ("/invoice_id", "overpayment"));
        let mut unposted = order(&*books, Some(draft), None, 5_000).await;
        let refused = books.create(&prepare(&unposted, &key), None).await;
        assert!(matches!(refused, Err(Error::Rejected(_))), "{refused:?}");
        unposted.currency = "CHF".parse().expect("a currency");
        let other_currency = registry::find("odoo").expect("Odoo").prepare(&unposted, &key).expect_err("a fault");
        assert_eq!(other_currency[0].pointer, "/currency");
        // Odoo itself would take it, at a rate of one.
        let mut on_account = order(&*books, None, Some(odoo.contact(true).await), 100).await;
        on_account.currency = "CHF".parse().expect("a currency");
        let Err(Error::Rejected(faults)) = books.create(&prepare(&on_account, &key), None).await else {
            panic!("it was not refused")
        };
        assert_eq!(faults[0].pointer, "/currency");
        assert!(faults[0].detail.contains("CHF"), "{faults:?}");
        assert!(odoo.payments(&key).await.is_empty());
    }
}

#[tokio::test]
async fn locked_date_is_refused_or_moved_and_said() {
    for odoo in servers().await {
        let books = odoo.connector();
        let lock = json!([[1], {"fiscalyear_lock_date": "2025-12-31"}]);
        odoo.administer("res.company", "write", lock, json!({})).await;
        let mut locked = order(&*books, None, Some(odoo.contact(true).await), 100).await;
        locked.date = "2025-12-15".parse().expect("a date");
        let key = new_key();
        let write = prepare(&locked, &key);
        let sent = loop {
            match books.create(&write, None).await {
                Err(error) if error.outcome() == Outcome::Unknown => eprintln!("{error}"),
                sent => break sent,
            }
        };
        match sent {
            Err(Error::Rejected(faults)) => {
                assert!(faults[0].detail.contains("lock date") && !faults[0].detail.contains("class"), "{faults:?}");
                assert!(odoo.payments(&key).await.is_empty());
            }
            Ok(payment) => assert!(payment.concern.expect("a concern").contains("locked")),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn draft_that_odoo_never_posts_is_removed() {
    for odoo in servers().await {
        if !odoo.is_19 {
            // Odoo 14 refuses at the first step already: nothing of it is left then.
            continue;
        }
        let books = odoo.connector();
        let (contact, key) = (odoo.contact(true).await, new_key());
        let order = order(&*books, None, Some(contact), 100).await;
        let write = prepare(&order, &key);
        let journal = odoo.search("account.journal", json!([["type", "=", "bank"]]), "id").await[0].clone();
        let kind = "payment_type partner_type partner_id/.id amount currency_id date journal_id/.id memo";
        let fields: Vec<_> = ["id", "destination_account_id/.id"].into_iter().chain(kind.split(' ')).collect();
        let (id, contact, journal) = (format!("__unibooks__.{key}"), contact.to_string(), journal.to_string());
        let row = json!([id, "", "inbound", "customer", contact, "1.00", "USD", DATE, journal, key.as_str()]);
        odoo.call_with("account.payment", "load", json!([fields, [row]])).await;
        assert!(matches!(books.find(&write).await, Ok(Found::Unfinished)));
        let refused = books.create(&write, None).await;
        assert!(matches!(refused, Err(Error::Rejected(_))), "{refused:?}");
        assert!(odoo.payments(&key).await.is_empty());
        assert!(found(&*books, &write).await.is_none());
    }
}

#[tokio::test]
async fn check_finds_version_company_and_what_is_missing() {
    for odoo in servers().await {
        let info = odoo.connector().check().await.expect("an answer");
        assert_eq!(info.version, if odoo.is_19 { "19.0" } else { "14.0" });
        assert_eq!((info.company.remote_id.as_str(), info.company.currency.code()), ("1", "USD"));
        assert_eq!((info.missing, info.needs_setup), (Vec::<String>::new(), false));
        let wrong = odoo.connector_with("wrong");
        for _ in 0..12 {
            // The refused secret is sent once: ten of them would shut out every user of this address.
            assert!(matches!(wrong.check().await, Err(Error::Unauthorized(_))));
        }
        odoo.connector().check().await.expect("nobody is shut out");
    }
}
