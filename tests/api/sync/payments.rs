//! Payments that the software has: ours are recognised, and all others come in.

use serde_json::value::RawValue;
use serde_json::{Value, json};
use unibooks::connectors::{RemoteAllocation, RemotePayment};
use unibooks::domain::references::{InvoiceKind, Resource};
use unibooks::domain::{RemoteId, WriteKey};
use uuid::Uuid;

use super::connected;
use crate::support::app::{App, Tenant};
use crate::support::connected::{invoice, payment as body};
use crate::support::events;
use crate::support::software::{Books, Call, pull_once};

/// A key of ours.
const KEY: &str = "uvnr3alhspruqsxpqa2dy";

fn id(text: &str) -> RemoteId {
    text.parse().expect("an id")
}

/// A receipt from a customer for one invoice.
fn receipt(remote_id: &str, amount: i64) -> RemotePayment {
    RemotePayment {
        remote_id: id(remote_id),
        remote_updated_at: Some("2026-11-26T10:00:00Z".parse().expect("a time")),
        data: record(&json!({ "id": remote_id })),
        key: None,
        kind: Some(InvoiceKind::AccountsReceivable),
        amount: amount.try_into().expect("an amount"),
        currency: "USD".parse().expect("a currency"),
        exchange_rate: None,
        date: "2026-11-26".parse().expect("a date"),
        account: Some(id("7")),
        contact: Some(id("5")),
        allocations: vec![part("15", amount)],
        is_voided: false,
        concern: None,
    }
}

fn part(invoice: &str, amount: i64) -> RemoteAllocation {
    RemoteAllocation { invoice: id(invoice), amount: amount.try_into().ok() }
}

fn record(record: &Value) -> Box<RawValue> {
    RawValue::from_string(record.to_string()).expect("JSON")
}

/// With our key in it.
fn written(payment: RemotePayment) -> RemotePayment {
    RemotePayment { key: WriteKey::find(KEY), ..payment }
}

/// Cancelled there, a minute later.
fn cancelled(payment: RemotePayment) -> RemotePayment {
    RemotePayment { is_voided: true, ..later(payment) }
}

/// Changed there, a minute later.
fn later(payment: RemotePayment) -> RemotePayment {
    let remote_updated_at = payment.remote_updated_at.map(|time| time + chrono::TimeDelta::minutes(1));
    RemotePayment { remote_updated_at, ..payment }
}

async fn payments(app: &App, tenant: &Tenant) -> Vec<Value> {
    let answer = app.get(tenant, "/accounting/payments?limit=100&remote_data=true").await;
    answer.json()["data"].as_array().expect("data").clone()
}

async fn pull(app: &App, tenant: &Tenant, books: &Books) {
    pull_once(app, tenant, books).await.expect("complete");
}

/// A payment that this server writes, prepared under [`KEY`], in a state.
async fn own(app: &App, tenant: &Tenant, state: &str, remote_id: Option<&str>) -> Uuid {
    let answer = app.create_with(tenant, &[("prefer", "respond-async")], body(tenant).to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.json()["id"].as_str().expect("an id").parse().expect("a UUID");
    put(app, tenant, id, state, remote_id).await;
    id
}

/// Puts the write of a payment in a state.
async fn put(app: &App, tenant: &Tenant, id: Uuid, state: &str, remote_id: Option<&str>) {
    sqlx::query(
        "with write as (
             update remote_write
             set state = $3, write_key = $4, prepared = '', sent_at = now(), attempts = 1,
                 due_at = case when $3 in ('pending', 'sending', 'unknown') then due_at end
             where connection_id = $1 and payment_id = $2
         )
         update payment
         set remote_status = case when $3 = 'sending' then 'pending' else $3 end, remote_id = $5,
             remote_data = case when $5 is null then null else '{\"written\": 1}'::json end,
             remote_updated_at = case when $5 is null then null else '2026-11-26T10:00:00Z'::timestamptz end
         where connection_id = $1 and id = $2",
    )
    .bind(tenant.connection_id.0)
    .bind(id)
    .bind(state)
    .bind(KEY)
    .bind(remote_id)
    .execute(&mut app.connect().await)
    .await
    .expect("a write");
}

#[tokio::test]
async fn payment_made_in_the_software_comes_in() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    books.put_payment(1, 1, receipt("P-1", 40_000));
    pull(&app, &tenant, &books).await;
    let [read] = &payments(&app, &tenant).await[..] else { panic!("one payment") };
    let of = |resource: Resource, remote: &str| json!(resource.id(tenant.connection_id, &id(remote)).0);
    let expected = json!({
        "id": read["id"], "created_at": read["created_at"], "modified_at": read["created_at"],
        "invoice_id": of(Resource::Invoice, "15"), "account_id": of(Resource::Account, "7"),
        "contact_id": of(Resource::Contact, "5"), "total_amount": 40_000, "currency": "USD", "exchange_rate": null,
        "transaction_date": "2026-11-26T00:00:00Z", "type": "ACCOUNTS_RECEIVABLE", "line_items": [],
        "company_info_id": null, "accounting_period_id": null, "tracking_categories": null, "field_mappings": null,
        "remote_id": "P-1", "remote_status": "applied", "remote_data": { "id": "P-1" },
        "remote_updated_at": "2026-11-26T10:00:00Z",
    });
    assert_eq!(*read, expected);
    let own = app.get(&tenant, &format!("/accounting/payments/{}", read["id"].as_str().expect("an id"))).await;
    assert_eq!((own.status.as_u16(), &own.json()["remote_id"]), (200, &json!("P-1")));
    for filter in ["remote_id=P-1", "remote_status=applied", "transaction_date_from=2026-11-26"] {
        let page = app.get(&tenant, &format!("/accounting/payments?{filter}")).await.json();
        assert_eq!(page["data"].as_array().expect("data").len(), 1, "{filter}");
    }
}

#[tokio::test]
async fn invoices_of_one_payment_are_its_line_items() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    let several = vec![part("15", 30_000), RemoteAllocation { invoice: id("16"), amount: None }];
    books.put_payment(1, 1, RemotePayment { allocations: several, ..receipt("two", 40_000) });
    books.put_payment(2, 1, RemotePayment { allocations: vec![part("15", 300)], ..receipt("part", 400) });
    books.put_payment(3, 1, RemotePayment { allocations: Vec::new(), ..receipt("none", 400) });
    pull(&app, &tenant, &books).await;
    let shown: Vec<_> = payments(&app, &tenant)
        .await
        .iter()
        .map(|payment| {
            let lines = payment["line_items"].as_array().expect("lines").iter();
            let members = ["related_object_id", "related_object_type", "applied_amount", "applied_date"];
            let lines: Vec<_> = lines.map(|line| members.map(|member| line[member].clone())).collect();
            json!([payment["remote_id"], payment["invoice_id"], lines])
        })
        .collect();
    let (one, other) = (json!(invoice(&tenant, "15")), json!(invoice(&tenant, "16")));
    let day = "2026-11-26T00:00:00Z";
    let expected = [
        json!(["two", null, [[one, "invoice", 30_000, day], [other, "invoice", null, day]]]),
        json!(["part", one, [[one, "invoice", 300, day]]]),
        json!(["none", null, []]),
    ];
    assert_eq!(shown, expected);
    // Matched with another invoice since.
    books.put_payment(
        1,
        2,
        RemotePayment {
            allocations: vec![part("16", 40_000)],
            data: record(&json!({ "id": "two", "matched": 16 })),
            ..later(receipt("two", 40_000))
        },
    );
    pull(&app, &tenant, &books).await;
    let two = payments(&app, &tenant).await.remove(0);
    assert_eq!((&two["invoice_id"], &two["line_items"]), (&other, &json!([])));
}

#[tokio::test]
async fn change_in_the_software_moves_modified_at() {
    let (app, tenant) = connected().await;
    let books = Books::with_pages_of(2);
    for number in 1..=5 {
        books.put_payment(number, 1, receipt(&number.to_string(), 100));
    }
    pull(&app, &tenant, &books).await;
    let before = payments(&app, &tenant).await;
    let other = record(&json!({ "id": "2", "note": "x" }));
    books.put_payment(2, 2, RemotePayment { data: other, ..receipt("2", 150) });
    // The stamp moves, and nothing else does.
    books.put_payment(3, 2, receipt("3", 100));
    books.put_payment(4, 2, cancelled(receipt("4", 100)));
    books.remove_payment(5);
    books.calls();
    pull(&app, &tenant, &books).await;
    let read: usize = books.calls().iter().map(|call| if let Call::Payments(count) = call { *count } else { 0 }).sum();
    assert_eq!(read, 3, "what has its old stamp is not read");
    let after = payments(&app, &tenant).await;
    let seen = |payment: &Value| (payment["total_amount"].clone(), payment["remote_status"].clone());
    let expected = [(100, "applied"), (150, "applied"), (100, "applied"), (100, "voided"), (100, "voided")];
    let expected = expected.map(|(amount, status)| (json!(amount), json!(status)));
    assert_eq!(after.iter().map(seen).collect::<Vec<_>>(), expected);
    for (number, (old, new)) in before.iter().zip(&after).enumerate() {
        assert_eq!((&old["id"], &old["created_at"]), (&new["id"], &new["created_at"]));
        assert_eq!(old["modified_at"] != new["modified_at"], [1, 3, 4].contains(&number), "{new}");
    }
    pull(&app, &tenant, &books).await;
    assert_eq!(payments(&app, &tenant).await, after, "nothing changed");
    // What was cancelled by mistake is in force again, and what was away is there again: they are the same payments.
    books.put_payment(4, 3, later(cancelled(receipt("4", 100))));
    books.put_payment(4, 3, receipt("4", 100));
    books.put_payment(5, 1, receipt("5", 100));
    pull(&app, &tenant, &books).await;
    let again = payments(&app, &tenant).await;
    assert_eq!(again.iter().map(|payment| payment["id"].clone()).collect::<Vec<_>>(), ids(&before));
    assert!(again.iter().all(|payment| payment["remote_status"] == "applied"), "{again:?}");
}

fn ids(payments: &[Value]) -> Vec<Value> {
    payments.iter().map(|payment| payment["id"].clone()).collect()
}

#[tokio::test]
async fn own_payment_is_never_doubled_in_any_state() {
    for state in ["pending", "sending", "unknown", "applied", "rejected", "needs_attention", "voided"] {
        let app = App::new().await;
        let tenant = app.tenant_with_software().await;
        let books = Books::default();
        let own = own(&app, &tenant, state, None).await;
        books.put_payment(1, 1, written(receipt("P-1", 40_000)));
        for round in 0..2 {
            pull(&app, &tenant, &books).await;
            let all = payments(&app, &tenant).await;
            assert_eq!(ids(&all), [json!(own)], "{state}, round {round}");
            let client = app.get(&tenant, &format!("/accounting/payments/{own}")).await.json();
            assert_eq!(client["line_items"], json!([]), "what the client sent stays");
        }
    }
}

#[tokio::test]
async fn own_payment_under_way_is_looked_at_again_when_it_has_ended() {
    let app = App::new().await;
    let tenant = app.tenant_with_software().await;
    let books = Books::default();
    let own = own(&app, &tenant, "sending", None).await;
    books.put_payment(1, 1, written(cancelled(receipt("P-1", 40_000))));
    pull(&app, &tenant, &books).await;
    assert_eq!(payments(&app, &tenant).await[0]["remote_status"], "pending", "it is left to its write");
    let applied = "with write as (update remote_write set state = 'applied', due_at = null where payment_id = $1)
                   update payment set remote_status = 'applied', remote_id = 'P-1' where id = $1";
    sqlx::query(applied).bind(own).execute(&mut app.connect().await).await.expect("applied");
    pull(&app, &tenant, &books).await;
    assert_eq!(payments(&app, &tenant).await[0]["remote_status"], "voided");
}

#[tokio::test]
async fn own_payment_without_its_key_is_known_by_its_id() {
    let app = App::new().await;
    let tenant = app.tenant_with_software().await;
    let books = Books::default();
    let own = own(&app, &tenant, "applied", Some("P-1")).await;
    // Somebody has taken the key out of one, and copied it into another.
    books.put_payment(1, 1, receipt("P-1", 40_000));
    books.put_payment(2, 1, receipt("P-2", 40_000));
    pull(&app, &tenant, &books).await;
    let all = payments(&app, &tenant).await;
    assert_eq!(ids(&all)[0], json!(own));
    assert_eq!(all.iter().map(|payment| payment["remote_id"].clone()).collect::<Vec<_>>(), ["P-1", "P-2"]);
    let before = all[0].clone();
    books.put_payment(1, 2, written(later(receipt("P-1", 40_000))));
    books.put_payment(2, 2, written(later(receipt("P-2", 40_000))));
    pull(&app, &tenant, &books).await;
    let all = payments(&app, &tenant).await;
    assert_eq!(all.len(), 2, "each stays what it was");
    assert_ne!(all[0]["modified_at"], before["modified_at"], "it was changed there");
    assert_eq!(all[0]["total_amount"], before["total_amount"]);
}

#[tokio::test]
async fn own_payment_that_is_cancelled_or_gone_becomes_voided() {
    for is_gone in [false, true] {
        let app = App::new().await;
        let tenant = app.tenant_with_software().await;
        let books = Books::default();
        own(&app, &tenant, "applied", Some("P-1")).await;
        books.put_payment(1, 1, written(receipt("P-1", 40_000)));
        pull(&app, &tenant, &books).await;
        let before = payments(&app, &tenant).await;
        assert_eq!(before[0]["remote_status"], "applied");
        assert_eq!(before[0]["modified_at"], payments(&app, &tenant).await[0]["modified_at"]);
        if is_gone {
            books.remove_payment(1);
        } else {
            books.put_payment(1, 2, written(cancelled(receipt("P-1", 40_000))));
        }
        pull(&app, &tenant, &books).await;
        let after = payments(&app, &tenant).await;
        assert_eq!((after.len(), &after[0]["remote_status"]), (1, &json!("voided")), "gone: {is_gone}");
        assert_ne!(after[0]["modified_at"], before[0]["modified_at"]);
        books.put_payment(1, 3, written(later(later(receipt("P-1", 40_000)))));
        pull(&app, &tenant, &books).await;
        let again = payments(&app, &tenant).await;
        assert_eq!((again.len(), &again[0]["remote_status"]), (1, &json!("applied")), "it is in force again");
    }
}

/// The number of a deleted payment is given to the next one in some software.
#[tokio::test]
async fn next_payment_under_the_id_of_a_deleted_one_is_another() {
    let app = App::new().await;
    let tenant = app.tenant_with_software().await;
    let books = Books::default();
    let own = own(&app, &tenant, "applied", Some("P-1")).await;
    books.put_payment(1, 1, written(receipt("P-1", 40_000)));
    pull(&app, &tenant, &books).await;
    books.remove_payment(1);
    books.put_payment(2, 1, receipt("P-1", 500));
    pull(&app, &tenant, &books).await;
    let all = payments(&app, &tenant).await;
    let seen = |payment: &Value| (payment["total_amount"].clone(), payment["remote_status"].clone());
    assert_eq!(ids(&all)[0], json!(own));
    let expected = [(40_000, "voided"), (500, "applied")].map(|(amount, status)| (json!(amount), json!(status)));
    assert_eq!(all.iter().map(seen).collect::<Vec<_>>(), expected);
}

/// After a restore of the database the software has payments that this server has forgotten. Their clients send them again
/// under the same keys.
#[tokio::test]
async fn forgotten_payment_that_is_sent_again_is_one() {
    let app = App::new().await;
    let tenant = app.tenant_with_software().await;
    let books = Books::default();
    let own = own(&app, &tenant, "pending", None).await;
    let sent_again = "update remote_write set write_key = null, prepared = null, sent_at = null where payment_id = $1";
    sqlx::query(sent_again).bind(own).execute(&mut app.connect().await).await.expect("not prepared yet");
    books.put_payment(1, 1, written(receipt("P-1", 40_000)));
    pull(&app, &tenant, &books).await;
    let states = async || {
        let all = payments(&app, &tenant).await;
        assert_eq!((all.len(), &all[0]["id"]), (2, &json!(own)));
        all.iter().map(|payment| payment["remote_status"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(states().await, ["pending", "applied"], "nothing says yet that they are one");
    put(&app, &tenant, own, "applied", Some("P-1")).await;
    for _ in 0..2 {
        pull(&app, &tenant, &books).await;
        assert_eq!(states().await, ["applied", "voided"], "it counts once");
    }
    books.put_payment(1, 2, written(cancelled(receipt("P-1", 40_000))));
    pull(&app, &tenant, &books).await;
    assert_eq!(states().await, ["voided", "voided"]);
}

#[tokio::test]
async fn other_connection_has_its_own_row_of_the_same_payment() {
    let (app, tenant) = connected().await;
    let other = app.tenant().await;
    crate::support::software::connect(&app, &other).await;
    let books = Books::default();
    books.put_payment(1, 1, receipt("P-1", 100));
    pull(&app, &tenant, &books).await;
    assert_eq!(payments(&app, &other).await, Vec::<Value>::new());
    pull(&app, &other, &books).await;
    let (mine, theirs) = (payments(&app, &tenant).await, payments(&app, &other).await);
    assert_ne!((&mine[0]["id"], &mine[0]["invoice_id"]), (&theirs[0]["id"], &theirs[0]["invoice_id"]));
    let foreign = app.get(&other, &format!("/accounting/payments/{}", mine[0]["id"].as_str().expect("an id"))).await;
    assert_eq!(foreign.status, 404);
    books.remove_payment(1);
    pull(&app, &tenant, &books).await;
    assert_eq!(payments(&app, &tenant).await[0]["remote_status"], "voided");
    assert_eq!(payments(&app, &other).await, theirs, "the other's is read by its own pull");
}

#[tokio::test]
async fn payments_that_come_in_are_announced_after_the_first_pull() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    books.put_payment(1, 1, receipt("P-1", 100));
    pull(&app, &tenant, &books).await;
    let states = async || {
        let mut feed = events::feed(&app.database, tenant.project_id).await;
        feed.0.retain(|event| event.kind.as_str().starts_with("accounting.payment."));
        (feed.states("remote_id"), feed.states("remote_status"))
    };
    assert_eq!(states().await.0, [], "the first pull is silent");
    books.put_payment(2, 1, receipt("P-2", 200));
    pull(&app, &tenant, &books).await;
    books.remove_payment(1);
    pull(&app, &tenant, &books).await;
    let expected = (
        vec![("created", json!("P-2")), ("updated", json!("P-1"))],
        vec![("created", json!("applied")), ("updated", json!("voided"))],
    );
    assert_eq!(states().await, expected);
}
