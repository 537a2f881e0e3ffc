//! No caller reaches what other connections have in their software. The names say that they are tests of isolation:
//! `scripts/mutants.py` runs these.

use uuid::Uuid;

use crate::support::app::{App, PAYMENTS, Tenant};
use crate::support::connected::{REASON, payment};

const KEY: &str = "owner-key";

/// A tenant with software, whose payment shows everything that a foreign row could.
async fn with_software(app: &App) -> (Tenant, String) {
    let tenant = app.tenant_with_software().await;
    let headers = [("prefer", "respond-async"), ("idempotency-key", KEY)];
    let answer = app.create_with(&tenant, &headers, payment(&tenant).to_string()).await;
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    app.reject(&tenant, id.parse().expect("a UUID")).await;
    (tenant, id)
}

#[tokio::test]
async fn objects_and_writes_of_other_connections_are_unknown() {
    let app = App::new().await;
    let (owner, _) = with_software(&app).await;
    let (attacker, own) = with_software(&app).await;
    let mut foreign = payment(&attacker);
    foreign["invoice_id"] = payment(&owner)["invoice_id"].clone();
    foreign["account_id"] = payment(&owner)["account_id"].clone();
    let answer = app.create(&attacker, &foreign).await;
    let unknown = ["/account_id", "/invoice_id"].map(|pointer| (pointer.to_owned(), "unknown_reference".to_owned()));
    assert_eq!(answer.faults(), unknown);

    // The owner has rows under the same payment id.
    for copy in [
        "insert into remote_write (connection_id, payment_id, state, attempts, write_key, prepared, errors, created_at,
                                   modified_at)
         values ($1, $2, 'rejected', 1, 'foreign', '', '[]', now(), now())",
        "insert into remote_attempt (connection_id, payment_id, number, action, started_at, detail)
         values ($1, $2, 0, 'foreign', now(), 'foreign')",
    ] {
        let copy = sqlx::query(copy).bind(owner.connection_id.0).bind(own.parse::<Uuid>().expect("a UUID"));
        copy.execute(&mut app.connect().await).await.expect("copied");
    }
    // They come first, in the index and in the table: a query that takes the first row it finds would take them.
    let move_back = "update remote_write set attempts = attempts where connection_id = $1";
    let move_back = sqlx::query(move_back).bind(attacker.connection_id.0);
    move_back.execute(&mut app.connect().await).await.expect("moved");
    let remote = app.get(&attacker, &format!("{PAYMENTS}/{own}/remote")).await;
    assert_eq!(remote.status, 200, "{}", remote.text);
    assert_eq!(remote.json()["attempts"].as_array().map(Vec::len), Some(1), "{}", remote.text);
    assert!(!remote.text.contains("foreign"), "{}", remote.text);
}

/// Also holds for a build in which a query forgets its tenant.
#[tokio::test]
async fn no_foreign_row_is_shown_of_any_write() {
    let app = App::new().await;
    let (owner, foreign) = with_software(&app).await;
    let (attacker, own) = with_software(&app).await;
    for table in ["remote_write", "remote_attempt"] {
        let take = format!("update {table} set payment_id = $2 where connection_id = $1");
        let take = sqlx::query(sqlx::AssertSqlSafe(take)).bind(owner.connection_id.0);
        let take = take.bind(own.parse::<Uuid>().expect("a UUID"));
        take.execute(&mut app.connect().await).await.expect("the owner has rows under the attacker's payment id");
        let mine = format!("delete from {table} where connection_id = $1");
        let mine = sqlx::query(sqlx::AssertSqlSafe(mine)).bind(attacker.connection_id.0);
        mine.execute(&mut app.connect().await).await.expect("deleted");
    }
    for id in [&own, &foreign] {
        let answer = app.get(&attacker, &format!("{PAYMENTS}/{id}/remote")).await;
        assert!(!answer.text.contains(REASON) && !answer.text.contains(&format!("\"u{own}")), "{}", answer.text);
    }
    let mut body = payment(&attacker);
    body["invoice_id"] = payment(&owner)["invoice_id"].clone();
    assert_ne!(app.create(&attacker, &body).await.status, 201);
}
