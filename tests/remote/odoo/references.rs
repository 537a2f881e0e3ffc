//! What payments refer to, as it is read from a real Odoo.

use serde_json::json;
use unibooks::connectors::{Connector, Fields};
use unibooks::domain::references::{InvoiceStatus, Resource};

use super::books::{contact, invoice, keys, read, servers};

async fn stamp(books: &dyn Connector, resource: Resource, id: i64) -> String {
    let id = id.to_string();
    let keys = keys(books, resource).await;
    keys.into_iter().find(|key| key.remote_id.as_str() == id).expect("its key").stamp
}

/// A stamp without the time of reading, which is in those of young objects.
fn settled(stamp: &str) -> String {
    stamp.split('|').filter(|part| !part.contains('T')).collect::<Vec<_>>().join("|")
}

#[tokio::test]
async fn every_key_has_its_object_and_pages_are_in_order() {
    for odoo in servers().await {
        let books = odoo.connector();
        for &resource in Resource::ALL {
            let keys = keys(&*books, resource).await;
            assert!(keys.is_sorted_by(|a, b| a.position < b.position), "{resource:?}");
            let objects = books.objects(resource, &keys[..keys.len().min(200)]).await.expect("objects");
            assert_eq!(objects.len(), keys.len().min(200), "{resource:?}");
            let may_be_empty = matches!(resource, Resource::AccountingPeriod | Resource::TrackingCategory);
            assert!(may_be_empty || !objects.is_empty(), "{resource:?}");
            for object in objects {
                assert!(object.remote_data.get().starts_with('{'), "{resource:?}");
                assert!(object.remote_updated_at.is_some(), "{resource:?} {}", object.remote_id);
            }
        }
    }
}

#[tokio::test]
async fn payment_moves_balance_status_and_stamp_of_an_invoice() {
    for odoo in servers().await {
        let books = odoo.connector();
        let id = odoo.invoice("out_invoice", "100.00").await;
        let first = invoice(&*books, id).await.fields;
        assert_eq!(
            (first.total_amount, first.balance, first.status),
            (first.balance, first.total_amount, Some(InvoiceStatus::Open))
        );
        assert_eq!(
            (first.total_amount.map(unibooks::domain::MinorUnits::get), first.line_items.len()),
            (Some(10_000), 1)
        );
        let line = &first.line_items[0];
        assert_eq!(
            (line.name.as_deref(), line.unit_price, line.total_amount),
            (Some("Services"), first.total_amount, first.total_amount)
        );
        let mut stamps = vec![settled(&stamp(&*books, Resource::Invoice, id).await)];
        for (cents, left, status) in [(4_000, 6_000, InvoiceStatus::PartiallyPaid), (6_000, 0, InvoiceStatus::Paid)] {
            let order = super::books::order(&*books, Some(id), None, cents).await;
            let write = unibooks::connectors::registry::find("odoo").expect("Odoo");
            let write = write.prepare(&order, &super::books::new_key()).expect("bytes");
            super::payments::create(&*books, &write).await;
            let paid = invoice(&*books, id).await.fields;
            assert_eq!((paid.balance.map(unibooks::domain::MinorUnits::get), paid.status), (Some(left), Some(status)));
            stamps.push(settled(&stamp(&*books, Resource::Invoice, id).await));
            if left == 0 {
                assert_eq!(paid.paid_on_date.map(|date| date.0), super::books::DATE.parse().ok());
                odoo.unmatch(id).await;
                let undone = invoice(&*books, id).await.fields;
                assert_eq!((undone.status, undone.paid_on_date), (Some(InvoiceStatus::PartiallyPaid), None));
                stamps.push(settled(&stamp(&*books, Resource::Invoice, id).await));
            }
        }
        assert!(stamps.windows(2).all(|pair| pair[0] != pair[1]), "{stamps:?}");
    }
}

#[tokio::test]
async fn drafts_cancelled_ones_and_credit_notes_are_read() {
    for odoo in servers().await {
        let books = odoo.connector();
        let draft = odoo.draft("out_invoice", "50.00").await;
        let read_draft = invoice(&*books, draft).await.fields;
        assert_eq!((read_draft.number, read_draft.status), (None, Some(InvoiceStatus::Draft)));
        odoo.call("account.move", "button_cancel", draft).await;
        let cancelled = invoice(&*books, draft).await.fields;
        assert_eq!(
            (cancelled.status, cancelled.balance.map(unibooks::domain::MinorUnits::get)),
            (Some(InvoiceStatus::Void), Some(0))
        );
        let note = invoice(&*books, odoo.invoice("out_refund", "30.00").await).await.fields;
        assert_eq!(note.total_amount.map(unibooks::domain::MinorUnits::get), Some(-3_000));
        assert_eq!(note.balance, note.total_amount);
    }
}

#[tokio::test]
async fn address_below_a_contact_moves_its_stamp() {
    for odoo in servers().await {
        let books = odoo.connector();
        let id = odoo.contact(true).await;
        let before = settled(&stamp(&*books, Resource::Contact, id).await);
        let country = odoo.search("res.country", json!([["code", "=", "CH"]]), "id").await[0].clone();
        let address = json!({"name": "Store", "parent_id": id, "type": "delivery", "street": "Bahnhofstrasse 1",
            "city": "Zürich", "zip": "8001", "country_id": country});
        odoo.administer("res.partner", "create", json!([address]), json!({})).await;
        assert_ne!(settled(&stamp(&*books, Resource::Contact, id).await), before);
        let contact = contact(&*books, id).await.fields;
        assert_eq!((contact.is_customer, contact.status.as_deref()), (Some(true), Some("Active")));
        let address = contact.addresses.last().expect("an address");
        assert_eq!((address.street.as_deref(), address.country.as_deref()), (Some("Bahnhofstrasse 1"), Some("CH")));
    }
}

#[tokio::test]
async fn account_balance_follows_the_bookings_and_so_does_its_stamp() {
    for odoo in servers().await {
        let books = odoo.connector();
        let all = keys(&*books, Resource::Account).await;
        let income = odoo.search("account.journal", json!([["type", "=", "sale"]]), "default_account_id").await;
        let income = income[0][0].as_i64().expect("an account");
        let balance = async || match read(&*books, Resource::Account, &[income]).await.pop().expect("an account").fields
        {
            Fields::Account(account) => account.current_balance.expect("a balance").get(),
            other => panic!("{other:?}"),
        };
        let (before, old) = (balance().await, stamp(&*books, Resource::Account, income).await);
        odoo.invoice("out_invoice", "12.34").await;
        // Other tests book on it at the same time.
        assert!(balance().await <= before - 1_234);
        assert_ne!(stamp(&*books, Resource::Account, income).await, old);
        assert!(!all.is_empty());
    }
}
