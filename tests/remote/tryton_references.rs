//! The books of a real Tryton as they are read.

use std::collections::HashMap;

use serde_json::{Value, json};
use unibooks::connectors::{Fields, RemoteObject};
use unibooks::domain::references::{
    Account, Classification, CompanyInfo, Contact, Invoice, InvoiceKind, InvoiceStatus, PeriodStatus, Resource,
};
use unibooks::domain::{Clock, ConnectionId, Currency, ExchangeRate, MinorUnits, ReferenceId};

use crate::connected::{BANK, Connected, new_key, remote_id};
use crate::support::tryton::Tryton;

/// The fields of an object as JSON, and its remote id.
fn fields(object: &RemoteObject) -> Value {
    serde_json::to_value(&object.fields).expect("JSON")
}

fn invoice(object: RemoteObject) -> Invoice {
    match object.fields {
        Fields::Invoice(invoice) => *invoice,
        other => panic!("{other:?}"),
    }
}

fn units(amount: i64) -> Option<MinorUnits> {
    MinorUnits::try_from(amount).ok()
}

fn id_of(resource: Resource, id: i64) -> ReferenceId {
    resource.id(ConnectionId(uuid::Uuid::from_u128(7)), &remote_id(id))
}

#[tokio::test]
async fn every_key_has_its_object_and_stays_the_same() {
    let mut tryton = Tryton::start().await;
    let books = Connected::new(&tryton);
    for &resource in Resource::ALL {
        let keys = books.keys(resource).await;
        assert!(!keys.is_empty(), "{resource:?}");
        assert!(keys.is_sorted_by(|a, b| a.position < b.position), "{resource:?}");
        let objects = books.all(resource).await;
        let found: Vec<_> = objects.iter().map(|object| &object.remote_id).collect();
        assert_eq!(keys.iter().map(|key| &key.remote_id).collect::<Vec<_>>(), found, "{resource:?}");
        for object in &objects {
            assert!(object.remote_updated_at.is_some(), "{resource:?}");
            assert!(object.remote_data.get().starts_with('{'), "{resource:?}");
        }
        assert_eq!(books.keys(resource).await, keys, "{resource:?}");
    }
    // Another process writes the same records with their members in another order.
    let before = books.keys(Resource::Account).await;
    tryton.stop();
    tryton.restart().await;
    assert_eq!(books.keys(Resource::Account).await, before);
}

#[tokio::test]
async fn company_of_the_books_is_read() {
    let books = Connected::new(Tryton::shared().await);
    let companies = books.all(Resource::CompanyInfo).await;
    let [RemoteObject { fields: Fields::CompanyInfo(company), .. }] = companies.as_slice() else { panic!() };
    let CompanyInfo { name, currency, fiscal_year_end_month, fiscal_year_end_day, remote_created_at, .. } = company;
    assert_eq!(name.as_deref(), Some("Juniper Trading"));
    assert_eq!(currency.map(Currency::code), Some("USD"));
    assert_eq!((*fiscal_year_end_month, *fiscal_year_end_day), (Some(12), Some(31)));
    assert!(remote_created_at.is_some_and(|moment| moment <= Clock::system().now()));
}

#[tokio::test]
async fn accounts_say_whether_a_payment_can_be_booked_on_them() {
    let books = Connected::new(Tryton::shared().await);
    let accounts = books.all(Resource::Account).await.into_iter().map(|object| {
        let Fields::Account(account) = object.fields else { panic!() };
        (account.account_number.clone().unwrap_or_default(), account)
    });
    let accounts: HashMap<_, _> = accounts.collect();
    let account = |number: &str| -> &Account { &accounts[number] };
    for (number, is_payment_account) in [(BANK, true), ("1.1.3", true), ("1.1.2", false), ("4.1.2", false)] {
        assert_eq!(account(number).is_payment_account, is_payment_account, "{number}");
        assert_eq!(account(number).status.as_deref(), Some("Active"), "{number}");
        assert_eq!(account(number).currency.map(Currency::code), Some("USD"), "{number}");
    }
    assert_eq!(account(BANK).classification, Some(Classification::Asset));
    assert_eq!(account("4.1.2").classification, Some(Classification::Revenue));
    assert_eq!(account("5.2.1").classification, Some(Classification::Expense));
    assert!(account(BANK).current_balance.is_some() && account(BANK).parent_account.is_some());
}

#[tokio::test]
async fn contacts_have_addresses_and_ways_to_reach_them() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper) = (Connected::new(tryton), tryton.bookkeeper().await);
    let phone =
        json!([{"name": "Dune Ltd", "contact_mechanisms": [["create", [{"type": "phone", "value": "+12025550123"}]]]}]);
    let party = bookkeeper.call("model.party.party.create", json!([phone])).await[0].as_i64().expect("an id");
    let contact = books.object(Resource::Contact, party).await;
    let Fields::Contact(Contact { name, phone_numbers, is_customer, currency, status, .. }) = contact.fields else {
        panic!()
    };
    assert_eq!((name.as_deref(), status.as_deref(), is_customer), (Some("Dune Ltd"), Some("Active"), None));
    assert_eq!((phone_numbers.len(), currency.map(Currency::code)), (1, Some("USD")));
    let all = books.all(Resource::Contact).await;
    let acme = all.iter().map(fields).find(|fields| fields["name"] == "Acme Corporation").expect("a customer");
    assert_eq!(acme["email_address"], "books@acme.example");
    assert_eq!(acme["addresses"][0]["city"], "Springfield");
}

#[tokio::test]
async fn change_of_a_contacts_child_or_its_archival_moves_the_stamp() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper) = (Connected::new(tryton), tryton.bookkeeper().await);
    let party = bookkeeper.call("model.party.party.create", json!([[{"name": "Elm & Co"}]])).await[0].clone();
    let id = party.as_i64().expect("an id");
    let key = async || {
        let keys = books.keys(Resource::Contact).await;
        keys.into_iter().find(|key| key.remote_id == remote_id(id)).expect("a key")
    };
    let first = key().await;
    let address = json!([{"party": party, "city": "Geneva"}]);
    let address = bookkeeper.call("model.party.address.create", json!([address])).await[0].clone();
    let second = key().await;
    bookkeeper.call("model.party.address.write", json!([[address], {"city": "Bern"}])).await;
    let third = key().await;
    bookkeeper.call("model.party.party.write", json!([[party], {"active": false}])).await;
    let fourth = key().await;
    let stamps = [&first.stamp, &second.stamp, &third.stamp, &fourth.stamp];
    assert!(stamps.iter().enumerate().all(|(at, stamp)| !stamps[..at].contains(stamp)), "{stamps:?}");
    let archived = books.object(Resource::Contact, id).await;
    assert_eq!(fields(&archived)["status"], "Archived");
}

#[tokio::test]
async fn periods_are_open_or_closed() {
    let books = Connected::new(Tryton::shared().await);
    let periods = books.all(Resource::AccountingPeriod).await;
    let status = |wanted| {
        let is_wanted = |object: &&RemoteObject| matches!(&object.fields, Fields::AccountingPeriod(period) if period.status == Some(wanted));
        periods.iter().filter(is_wanted).count()
    };
    assert_eq!((status(PeriodStatus::Closed), status(PeriodStatus::Open)), (1, 35));
    let first = fields(&periods[0]);
    let year = first["start_date"].as_str().expect("a date")[..4].to_owned();
    assert_eq!(first["start_date"], format!("{year}-01-01T00:00:00Z"));
    assert_eq!((&first["end_date"], &first["status"]), (&json!(format!("{year}-01-31T00:00:00Z")), &json!("Closed")));
}

#[tokio::test]
async fn tracking_categories_are_analytic_accounts_below_a_root() {
    let books = Connected::new(Tryton::shared().await);
    let categories = books.all(Resource::TrackingCategory).await;
    let named = |name: &str| {
        let found = categories.iter().find(|object| fields(object)["name"] == name).expect(name);
        (found.remote_id.as_str().parse::<i64>().expect("an id"), fields(found))
    };
    let (root, _) = named("Department");
    let (sales, category) = named("Sales");
    assert_eq!((&category["status"], &category["category_type"]), (&json!("Active"), &json!("Department")));
    assert_eq!(category["parent_category"], json!(id_of(Resource::TrackingCategory, root)));
    let invoices = books.all(Resource::Invoice).await;
    let tagged: Vec<_> = invoices.into_iter().map(invoice).filter(|i| !i.tracking_categories.is_empty()).collect();
    assert_eq!(tagged[0].tracking_categories, [id_of(Resource::TrackingCategory, sales)]);
    assert_eq!(tagged[0].line_items[0].tracking_categories, tagged[0].tracking_categories);
}

#[tokio::test]
async fn invoice_is_read_with_its_amounts_dates_and_links() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper) = (Connected::new(tryton), tryton.bookkeeper().await);
    let id = bookkeeper.invoice_of("out", "EUR", "120.40").await;
    let record = bookkeeper.search("account.invoice", json!([["id", "=", id]]), &["number", "party", "lines.account"]);
    let record = &record.await[0];
    let read = invoice(books.object(Resource::Invoice, id).await);
    assert_eq!((read.kind, read.status), (Some(InvoiceKind::AccountsReceivable), Some(InvoiceStatus::Open)));
    assert_eq!(read.number.as_deref(), record["number"].as_str());
    assert_eq!(read.currency.map(Currency::code), Some("EUR"));
    let amounts = [read.sub_total, read.total_tax_amount, read.total_amount, read.balance, read.total_discount];
    assert_eq!(amounts, [units(12_040), units(0), units(12_040), units(12_040), None]);
    // A dollar is worth 0.8 euros.
    assert_eq!(read.exchange_rate.as_ref().map(ExchangeRate::as_str), Some("1.25"));
    assert_eq!(read.contact_id, Some(id_of(Resource::Contact, record["party"].as_i64().expect("a party"))));
    let (issued, due) = (read.issue_date.expect("a date").0, read.due_date.expect("a date").0);
    assert_eq!((due - issued).num_days(), 30);
    assert!(read.accounting_period_id.is_some() && read.paid_on_date.is_none());
    let [line] = read.line_items.as_slice() else { panic!("{:?}", read.line_items) };
    assert_eq!(
        (line.description.as_deref(), line.unit_price, line.total_amount),
        (Some("Services"), units(12_040), units(12_040))
    );
    assert_eq!(line.quantity.map(|quantity| quantity.0), Some(1.into()));
    let account = record["lines."][0]["account"].as_i64().expect("an account");
    assert_eq!(line.account_id, Some(id_of(Resource::Account, account)));
}

#[tokio::test]
async fn seeded_invoices_have_their_states() {
    let tryton = Tryton::start().await;
    let books = Connected::new(&tryton);
    let invoices: Vec<_> = books.all(Resource::Invoice).await.into_iter().map(invoice).collect();
    let count = |status| invoices.iter().filter(|invoice| invoice.status == Some(status)).count();
    assert_eq!(count(InvoiceStatus::Draft), 1);
    assert_eq!(count(InvoiceStatus::Paid), 1);
    assert_eq!(count(InvoiceStatus::PartiallyPaid), 1);
    assert_eq!(count(InvoiceStatus::Open), 13);
    let of = |total| invoices.iter().find(|invoice| invoice.total_amount == units(total)).expect("an invoice");
    let draft = of(1_000);
    assert_eq!((draft.status, draft.balance, &draft.number), (Some(InvoiceStatus::Draft), units(1_000), &None));
    let paid = of(6_000);
    assert!(paid.balance == units(0) && paid.paid_on_date.is_some());
    let credit = of(-7_500);
    assert_eq!((credit.kind, credit.balance), (Some(InvoiceKind::AccountsReceivable), units(-7_500)));
    let bill = of(75_000);
    assert_eq!(bill.kind, Some(InvoiceKind::AccountsPayable));
    assert!(bill.memo.as_deref().is_some_and(|memo| memo.starts_with("SUP-")));
    assert_eq!(of(123_456_789).exchange_rate.as_ref().map(ExchangeRate::as_str), Some("1"));
    // 15,000 yen, at 150 for a dollar.
    assert_eq!(of(15_000).exchange_rate.as_ref().map(ExchangeRate::as_str), Some("0.006666666667"));
}

#[tokio::test]
async fn payment_and_its_void_move_the_stamp_and_the_balance() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper) = (Connected::new(tryton), tryton.bookkeeper().await);
    let id = bookkeeper.invoice("100.00").await;
    let state = async || {
        let read = invoice(books.object(Resource::Invoice, id).await);
        (read.status.expect("a status"), read.balance.expect("a balance").get(), books.stamp(id).await)
    };
    let open = state().await;
    assert_eq!((open.0, open.1), (InvoiceStatus::Open, 10_000));
    let paid = books.write(&books.prepare(id, "40.00", &new_key()).await).await.expect("a payment");
    let part = state().await;
    assert_eq!((part.0, part.1), (InvoiceStatus::PartiallyPaid, 6_000));
    assert_ne!(part.2, open.2);
    // Tryton moves neither the invoice's time of change nor that of the payment's entry.
    let own = async || bookkeeper.search("account.invoice", json!([["id", "=", id]]), &["_timestamp"]).await;
    let before = own().await;
    bookkeeper.cancel(&paid.remote_id).await;
    assert_eq!(own().await, before);
    let voided = state().await;
    assert_eq!((voided.0, voided.1), (InvoiceStatus::Open, 10_000));
    assert_ne!(voided.2, part.2);
}

#[tokio::test]
async fn order_to_pay_does_not_lower_the_balance() {
    let tryton = Tryton::shared().await;
    let (books, bookkeeper) = (Connected::new(tryton), tryton.bookkeeper().await);
    let id = bookkeeper.invoice("100.00").await;
    bookkeeper.order_to_collect(id, "70.00").await;
    assert_eq!(invoice(books.object(Resource::Invoice, id).await).balance, units(10_000));
}
