//! What payments refer to is read whole, in order, and seen when it changes.

use std::collections::BTreeMap;

use serde_json::json;
use unibooks::connectors::{Connector, Fields, RemoteKey};
use unibooks::domain::references::{Classification, InvoiceKind, InvoiceStatus, Resource};

use super::books::{Books, minor, prepare};

async fn all_keys(connector: &dyn Connector, resource: Resource) -> Vec<RemoteKey> {
    let mut keys: Vec<RemoteKey> = Vec::new();
    loop {
        let page = connector.keys(resource, keys.last()).await.expect("keys");
        keys.extend(page.keys);
        if page.is_last {
            return keys;
        }
    }
}

#[tokio::test]
async fn every_resource_is_read_in_the_order_of_its_keys() {
    let Some(books) = Books::open() else { return };
    let connector = books.connector();
    for &resource in Resource::ALL {
        let keys = all_keys(&*connector, resource).await;
        assert!(!keys.is_empty(), "{resource:?}");
        assert!(keys.is_sorted_by(|a, b| a.position < b.position), "{resource:?}");
        for page in keys.chunks(100) {
            let objects = connector.objects(resource, page).await.expect("objects");
            let mut read: Vec<_> = objects.iter().map(|object| object.remote_id.as_str()).collect();
            let mut asked: Vec<_> = page.iter().map(|key| key.remote_id.as_str()).collect();
            read.sort_unstable();
            asked.sort_unstable();
            assert_eq!(read, asked, "{resource:?}");
        }
        if resource == Resource::Contact {
            assert_eq!(keys.len(), books.count("Customer").await + books.count("Supplier").await);
        }
        // Nothing changed, so no stamp did; other tests make invoices meanwhile.
        if !matches!(resource, Resource::Invoice | Resource::Account) {
            assert_eq!(keys, all_keys(&*connector, resource).await, "{resource:?}");
        }
    }
}

#[tokio::test]
async fn members_are_those_of_the_contract() {
    let Some(books) = Books::open() else { return };
    let connector = books.connector();
    let keys = all_keys(&*connector, Resource::CompanyInfo).await;
    let company = connector.objects(Resource::CompanyInfo, &keys).await.expect("objects").remove(0).fields;
    let Fields::CompanyInfo(company) = company else { panic!("{company:?}") };
    assert_eq!((company.fiscal_year_end_month, company.fiscal_year_end_day), (Some(12), Some(31)));
    assert_eq!(company.currency.map(unibooks::domain::Currency::code), Some("USD"));

    let bank = books.bank("USD").await.fields;
    assert_eq!((bank.classification, bank.kind.as_deref()), (Some(Classification::Asset), Some("Bank")));
    assert!(bank.current_balance.is_some() && bank.parent_account.is_some());

    let contact = books.contact("Customer/Euro Customer").await.fields;
    assert_eq!((contact.is_customer, contact.is_supplier), (Some(true), Some(false)));

    let invoice = books.sales_invoice("Acme Customer", "33.5").await;
    assert_eq!(invoice.fields.kind, Some(InvoiceKind::AccountsReceivable));
    assert_eq!((invoice.fields.total_amount, invoice.fields.sub_total), (Some(minor(3_350)), Some(minor(3_350))));
    assert_eq!(invoice.fields.line_items.len(), 1);
    assert_eq!(invoice.fields.line_items[0].unit_price, Some(minor(3_350)));
    assert!(invoice.fields.accounting_period_id.is_some() && invoice.fields.contact_id.is_some());
    assert!(!invoice.fields.tracking_categories.is_empty());
}

#[tokio::test]
async fn draft_is_a_draft_and_owes_its_total() {
    let Some(books) = Books::open() else { return };
    let items = json!([{"item_code": "SERVICE", "qty": 1, "rate": 8}]);
    let draft =
        json!({"customer": "Acme Customer", "company": books.company, "due_date": "2027-12-31", "items": items});
    let name = books.make("Sales Invoice", draft).await;
    let invoice = books.invoice(&format!("Sales Invoice/{name}"), "").await.fields;
    assert_eq!((invoice.status, invoice.number, invoice.balance), (Some(InvoiceStatus::Draft), None, Some(minor(800))));
}

#[tokio::test]
async fn payment_and_its_cancelling_move_the_stamp_of_the_invoice() {
    let Some(books) = Books::open() else { return };
    let connector = books.connector();
    let invoice = books.sales_invoice("Acme Customer", "9").await;
    let id = invoice.remote_id.clone();
    let stamp = async || {
        let keys = all_keys(&*books.connector(), Resource::Invoice).await;
        let stamps: BTreeMap<_, _> = keys.into_iter().map(|key| (key.remote_id, key.stamp)).collect();
        stamps.get(&id).expect("the invoice").clone()
    };
    let open = stamp().await;
    let made = connector.create(&prepare(&books.order(400, "USD", vec![(invoice, 400)]).await), None).await;
    let paid = stamp().await;
    books.cancel(made.expect("a payment").remote_id.as_str()).await;
    let cancelled = stamp().await;
    assert!(open != paid && paid != cancelled, "{open} {paid} {cancelled}");
    assert_eq!(books.invoice(id.as_str(), "").await.fields.balance, Some(minor(900)));
}
