//! A payment reaches Tryton once, also when requests or answers are lost.

use serde_json::json;

use crate::connected_tenant::ConnectedTenant;
use crate::cutter::{Cut, Cutter};
use crate::support::tryton::Tryton;
use crate::support::wait::until;

/// The last request of a payment.
const PAY: &str = "wizard.account.invoice.pay.execute";

/// The entries of the books that say that they are this payment.
async fn entries(connected: &ConnectedTenant, payment: &serde_json::Value) -> usize {
    let remote = payment["remote_data"]["description"].as_str().unwrap_or_default().to_owned();
    connected.bookkeeper.search("account.move", json!([["description", "=", remote]]), &["id"]).await.len()
}

#[tokio::test]
async fn create_call_pays_an_invoice_in_tryton() {
    let tryton = Tryton::shared().await;
    let invoice = tryton.bookkeeper().await.invoice("400.00").await;
    let connected = ConnectedTenant::to(tryton, &tryton.url()).await;
    let answer = connected.app.create_under(&connected.tenant, "order-1", &connected.payment(invoice, 40_000)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let payment = answer.json();
    assert_eq!(payment["remote_status"], "applied", "{}", answer.text);
    assert!(payment["remote_id"].is_string(), "{}", answer.text);
    assert_eq!(connected.bookkeeper.amount_to_pay(invoice).await, "0");

    let again = connected.app.create_under(&connected.tenant, "order-1", &connected.payment(invoice, 40_000)).await;
    assert_eq!((again.status.as_u16(), &again.json()["remote_id"]), (201, &payment["remote_id"]));
    let stored = connected.read(payment["id"].as_str().expect("an id")).await.json();
    assert_eq!(entries(&connected, &stored).await, 1, "{stored}");
}

#[tokio::test]
async fn invoice_has_its_new_balance_without_another_pull() {
    let tryton = Tryton::shared().await;
    let invoice = tryton.bookkeeper().await.invoice("400.00").await;
    let connected = ConnectedTenant::to(tryton, &tryton.url()).await;
    let read = async || {
        let path = format!("/accounting/invoices?remote_id={invoice}");
        connected.app.get(&connected.tenant, &path).await.json()["data"][0].clone()
    };
    for (cents, balance, status) in [(15_000, 25_000, "PartiallyPaid"), (25_000, 0, "Paid")] {
        let answer = connected.app.create(&connected.tenant, &connected.payment(invoice, cents)).await;
        assert_eq!(answer.json()["remote_status"], "applied", "{}", answer.text);
        until("the balance has moved", async || read().await["balance"] == balance).await;
        assert_eq!(read().await["status"], status);
    }
}

#[tokio::test]
async fn server_signs_in_to_tryton_once_for_many_payments() {
    let tryton = Tryton::start().await;
    let invoice = tryton.bookkeeper().await.invoice("400.00").await;
    let connected = ConnectedTenant::to(&tryton, &tryton.url()).await;
    let mut session = tryton.connect().await;
    let mut sessions = async || -> i64 {
        let of_server =
            "select count(*) from ir_session s join res_user u on u.id = s.create_uid where u.login = 'unified'";
        sqlx::query_scalar(of_server).fetch_one(&mut session).await.expect("a count")
    };
    let before = sessions().await;
    for _ in 0..3 {
        let answer = connected.app.create(&connected.tenant, &connected.payment(invoice, 100)).await;
        assert_eq!(answer.json()["remote_status"], "applied", "{}", answer.text);
    }
    assert_eq!(sessions().await, before + 1);
}

#[tokio::test]
async fn lost_answer_of_tryton_pays_once() {
    let tryton = Tryton::shared().await;
    for cut in [Cut::Answer, Cut::Before] {
        let cutter = Cutter::to(tryton.url().trim_start_matches("http://").to_owned()).await;
        let invoice = tryton.bookkeeper().await.invoice("400.00").await;
        let connected = ConnectedTenant::to(tryton, &cutter.url()).await;
        cutter.cut(PAY, cut);
        let answer = connected.app.create(&connected.tenant, &connected.payment(invoice, 10_000)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        until("it is applied", async || connected.read(&id).await.json()["remote_status"] == "applied").await;
        assert!(cutter.has_cut(), "the answer was lost");
        assert_eq!(entries(&connected, &connected.read(&id).await.json()).await, 1);
        assert_eq!(connected.bookkeeper.amount_to_pay(invoice).await, "300.00", "{cut:?}");
    }
}

#[tokio::test]
async fn refusal_of_tryton_is_a_422_that_keeps_the_payment() {
    let tryton = Tryton::shared().await;
    let invoice = tryton.bookkeeper().await.invoice("400.00").await;
    let connected = ConnectedTenant::to(tryton, &tryton.url()).await;
    // More than is left to pay.
    let answer = connected.app.create_under(&connected.tenant, "much", &connected.payment(invoice, 40_001)).await;
    assert_eq!(answer.problem(), (422, "rejected_by_software".to_owned()), "{}", answer.text);
    let id = answer.json()["payment_id"].as_str().expect("an id").to_owned();
    assert_eq!(connected.read(&id).await.json()["remote_status"], "rejected");
    assert_eq!(connected.bookkeeper.amount_to_pay(invoice).await, "400.00");
}

#[tokio::test]
async fn two_payments_of_one_invoice_do_not_disturb_each_other() {
    let tryton = Tryton::shared().await;
    let invoice = tryton.bookkeeper().await.invoice("400.00").await;
    let connected = ConnectedTenant::to(tryton, &tryton.url()).await;
    let pay = async |cents| connected.app.create(&connected.tenant, &connected.payment(invoice, cents)).await.json();
    let both = tokio::join!(pay(10_000), pay(5_000));
    for payment in [&both.0, &both.1] {
        let id = payment["id"].as_str().expect("an id");
        until("it is applied", async || connected.read(id).await.json()["remote_status"] == "applied").await;
    }
    assert_eq!(connected.bookkeeper.amount_to_pay(invoice).await, "250.00");
}
