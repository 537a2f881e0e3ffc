//! Payments that people make in Tryton come in, and ours are recognised among them.

use serde_json::{Value, json};
use unibooks::domain::references::Resource;

use crate::connected_tenant::ConnectedTenant;
use crate::support::tryton::Tryton;

/// The payments of an invoice, as our server has them.
async fn payments(connected: &ConnectedTenant, invoice: i64) -> Vec<Value> {
    let id = id(connected, Resource::Invoice, invoice);
    let path = format!("/accounting/payments?invoice_id={}&remote_data=true", id.as_str().expect("an id"));
    connected.app.get(&connected.tenant, &path).await.json()["data"].as_array().expect("data").clone()
}

fn id(connected: &ConnectedTenant, resource: Resource, remote: i64) -> Value {
    json!(resource.id(connected.tenant.connection_id, &remote.into()).0)
}

/// The account of money that one payment method books on.
async fn money(connected: &ConnectedTenant) -> i64 {
    let path = format!("/accounting/accounts/{}", connected.account);
    let account = connected.app.get(&connected.tenant, &path).await.json();
    account["remote_id"].as_str().expect("an id").parse().expect("a number")
}

#[tokio::test]
async fn payment_made_by_hand_in_tryton_comes_in() {
    let tryton = Tryton::start().await;
    let connected = ConnectedTenant::to(&tryton, &tryton.url()).await;
    let (people, money) = (&connected.bookkeeper, money(&connected).await);
    for (kind, currency, name) in [
        ("out", "USD", "ACCOUNTS_RECEIVABLE"),
        ("out", "EUR", "ACCOUNTS_RECEIVABLE"),
        ("in", "USD", "ACCOUNTS_PAYABLE"),
    ] {
        let invoice = people.invoice_of(kind, currency, "100.00").await;
        people.pay(invoice, "40.00", money).await;
        connected.pull().await;
        let all = payments(&connected, invoice).await;
        let [payment] = &all[..] else { panic!("{all:?}") };
        let seen = ["total_amount", "currency", "type", "account_id", "remote_status", "line_items", "modified_at"];
        let account = id(&connected, Resource::Account, money);
        let expected = [
            json!(4_000),
            json!(currency),
            json!(name),
            account,
            json!("applied"),
            json!([]),
            payment["created_at"].clone(),
        ];
        assert_eq!(seen.map(|member| payment[member].clone()), expected, "{payment}");
        assert_eq!(payment["exchange_rate"].is_string(), currency == "EUR", "{payment}");
        let contact = payment["contact_id"].as_str().expect("a contact");
        let contact = connected.app.get(&connected.tenant, &format!("/accounting/contacts/{contact}")).await;
        assert_eq!(contact.status, 200, "{}", contact.text);
        let entry = payment["remote_id"].as_str().expect("an id").to_owned();
        connected.pull().await;
        assert_eq!(payments(&connected, invoice).await, all, "nothing changed");

        people.cancel(&entry).await;
        connected.pull().await;
        let after = payments(&connected, invoice).await;
        assert_eq!((after.len(), &after[0]["remote_status"]), (1, &json!("voided")), "{kind} {currency}");
        assert_ne!(after[0]["modified_at"], payment["modified_at"]);
    }
}

#[tokio::test]
async fn entry_by_hand_pays_what_it_is_reconciled_with() {
    let tryton = Tryton::start().await;
    let connected = ConnectedTenant::to(&tryton, &tryton.url()).await;
    let (people, money) = (&connected.bookkeeper, money(&connected).await);
    let invoices = [people.invoice("30.00").await, people.invoice("70.00").await];
    let mut lines = Vec::new();
    let (mut account, mut party) = (Value::Null, Value::Null);
    for invoice in invoices {
        let of_invoice = json!([["move.origin", "=", format!("account.invoice,{invoice}")], ["party", "!=", null]]);
        let line = people.search("account.move.line", of_invoice, &["account", "party"]).await.remove(0);
        lines.push(line["id"].as_i64().expect("an id"));
        (account, party) = (line["account"].clone(), line["party"].clone());
    }
    let (account, party) = (account.as_i64().expect("an account"), party.as_i64());
    let (entry, line) = people.book(account, party, money, "100.00").await;
    // A transfer between accounts of one's own changes what nobody owes.
    let accounts =
        people.search("account.account", json!([["type.revenue", "=", true], ["closed", "!=", true]]), &["id"]).await;
    let (fee, _) = people.book(accounts[0]["id"].as_i64().expect("an id"), None, money, "1.00").await;
    let read = async |entry: i64| {
        let path = format!("/accounting/payments?remote_id={entry}&remote_data=true");
        connected.app.get(&connected.tenant, &path).await.json()["data"].as_array().expect("data").clone()
    };
    connected.pull().await;
    let payment = read(entry).await.remove(0);
    let members = ["total_amount", "invoice_id", "line_items", "type", "remote_status"];
    let expected = [json!(10_000), Value::Null, json!([]), json!("ACCOUNTS_RECEIVABLE"), json!("applied")];
    assert_eq!(members.map(|member| payment[member].clone()), expected, "on account: {payment}");
    assert_eq!(read(fee).await, Vec::<Value>::new());

    people.reconcile(&[lines[0], lines[1], line]).await;
    connected.pull().await;
    let after = read(entry).await.remove(0);
    assert_eq!((&after["id"], &after["invoice_id"]), (&payment["id"], &Value::Null));
    assert_ne!(after["modified_at"], payment["modified_at"]);
    let paid: Vec<_> =
        after["line_items"].as_array().expect("lines").iter().map(|line| &line["related_object_id"]).collect();
    assert_eq!(json!(paid), json!(invoices.map(|invoice| id(&connected, Resource::Invoice, invoice))), "{after}");
}

#[tokio::test]
async fn own_payment_is_recognised_and_its_cancellation_seen() {
    let tryton = Tryton::shared().await;
    let connected = ConnectedTenant::to(tryton, &tryton.url()).await;
    let invoice = connected.bookkeeper.invoice("100.00").await;
    connected.pull().await;
    let answer = connected.app.create_under(&connected.tenant, "mine", &connected.payment(invoice, 2_500)).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["remote_status"]), (201, &json!("applied")), "{}", answer.text);
    let before = payments(&connected, invoice).await;
    connected.pull().await;
    assert_eq!(payments(&connected, invoice).await, before, "it is ours, and as it was");
    let entry = before[0]["remote_id"].as_str().expect("an id").to_owned();
    connected.bookkeeper.cancel(&entry).await;
    connected.pull().await;
    let after = payments(&connected, invoice).await;
    assert_eq!((after.len(), &after[0]["id"]), (1, &before[0]["id"]));
    assert_eq!(after[0]["remote_status"], "voided");
    let again = connected.app.create_under(&connected.tenant, "mine", &connected.payment(invoice, 2_500)).await;
    assert_eq!((again.status.as_u16(), &again.json()["remote_status"]), (201, &json!("voided")), "{}", again.text);
}
