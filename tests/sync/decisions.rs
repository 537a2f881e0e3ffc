//! What a person decides about a write.

use unibooks::connectors::RemotePayment;
use unibooks::domain::{PaymentId, ProjectId, RemoteStatus};
use unibooks::sync::{By, DecisionError, Decisions, Seen, record_gone, record_seen};

use crate::books::{Books, stored};
use crate::ledger;

fn by() -> By {
    By { actor: "Ann".to_owned(), reason: "seen in the bank".to_owned() }
}

/// Books with a payment that needs attention after it was sent.
async fn attention() -> (Books, PaymentId, Decisions) {
    let books = Books::new().await;
    let payment = books.payment("a", 100, &["1"]).await;
    books
        .sql(
            "update remote_write set state = 'needs_attention', due_at = null, attempts = 1, sent_at = now()
              where connection_id = $1",
        )
        .await;
    books.sql("update payment set remote_status = 'needs_attention' where connection_id = $1").await;
    let decisions = Decisions::of(&books.operator(), books.connection).await.expect("a connection");
    (books, payment, decisions)
}

/// Clients read the errors of a write, and the code and detail of each attempt.
async fn reason_is_for_the_operator_only(books: &Books, decisions: &Decisions) {
    let seen_by_clients: Vec<String> = sqlx::query_scalar(
        "select errors::text from remote_write where connection_id = $1 and errors is not null
         union all
         select code || detail from remote_attempt where connection_id = $1 and code is not null",
    )
    .bind(books.connection.0)
    .fetch_all(&mut books.session().await)
    .await
    .expect("texts");
    assert!(seen_by_clients.len() >= 2, "{seen_by_clients:?}");
    assert!(seen_by_clients.iter().all(|text| !text.contains("seen in the bank")), "{seen_by_clients:?}");
    let listed = decisions.list(Some(RemoteStatus::Rejected), 10).await.expect("a list");
    let who = listed.iter().map(|write| (write.actor.as_deref(), write.reason.as_deref())).collect::<Vec<_>>();
    assert_eq!(who, [(Some("Ann"), Some("seen in the bank"))]);
}

#[tokio::test]
async fn retry_looks_up_before_it_sends() {
    let (books, payment, decisions) = attention().await;
    books.sql("update remote_write set created_at = now() - interval '25 hours' where connection_id = $1").await;
    decisions.retry(payment, &by()).await.expect("queued");
    assert_eq!(books.stored(payment).await, stored("unknown", "unknown", None, &[]));
    let _server = books.server();
    books.until(payment, "applied").await;
    assert_eq!(books.attempts(payment).await, ["retry unknown", "look_up pending", "send applied"]);
}

#[tokio::test]
async fn settled_record_must_be_the_payment() {
    let (books, payment, decisions) = attention().await;
    let [same, other] =
        [("77", 100), ("78", 999)].map(|(id, amount)| ledger::payment(&ledger::prepared("x", amount, &["1"]), id));
    books.ledger.with(|state| state.payments.extend([same, other].map(|payment| ("x".to_owned(), payment))));
    let settle = async |id: &str| {
        let id = id.parse().expect("an id");
        decisions.settle_applied(payment, &id, &books.settings.access, &by()).await
    };
    assert!(matches!(settle("79").await, Err(DecisionError::NoSuchRecord(_))));
    let refused = settle("78").await.expect_err("another amount");
    assert!(refused.to_string().contains("its amount is 999 and not 100"), "{refused}");
    assert_eq!(books.stored(payment).await.state, "needs_attention");
    settle("77").await.expect("settled");
    assert_eq!(books.stored(payment).await, stored("applied", "applied", Some("77"), &[]));
    let who: (String, String) =
        sqlx::query_as("select actor, reason from remote_attempt where connection_id = $1 and action = 'settle'")
            .bind(books.connection.0)
            .fetch_one(&mut books.session().await)
            .await
            .expect("a row");
    assert_eq!(who, ("Ann".to_owned(), "seen in the bank".to_owned()));
}

#[tokio::test]
async fn what_the_software_has_is_not_settled_as_rejected() {
    let (books, payment, decisions) = attention().await;
    let access = &books.settings.access;
    let there = ledger::payment(&ledger::prepared("a", 100, &["1"]), "77");
    books.ledger.with(|state| state.payments.push(("a".to_owned(), there)));
    let refused = decisions.settle_rejected(payment, access, &by()).await.expect_err("it is there");
    assert!(refused.to_string().contains("payment 77"), "{refused}");
    books.ledger.with(|state| state.payments.clear());
    decisions.settle_rejected(payment, access, &by()).await.expect("settled");
    assert_eq!(books.stored(payment).await, stored("rejected", "rejected", None, &["settled_by_operator"]));
    reason_is_for_the_operator_only(&books, &decisions).await;
    let refused = decisions.retry(payment, &by()).await.expect_err("final");
    assert!(refused.to_string().contains("for good"), "{refused}");
}

#[tokio::test]
async fn only_what_was_never_sent_is_cancelled() {
    let (books, sent, decisions) = attention().await;
    let fresh = books.payment("b", 100, &["2"]).await;
    assert!(decisions.cancel(sent, &by()).await.is_err());
    decisions.cancel(fresh, &by()).await.expect("cancelled");
    assert_eq!(books.stored(fresh).await, stored("rejected", "rejected", None, &["cancelled_by_operator"]));
    reason_is_for_the_operator_only(&books, &decisions).await;
    let server = books.server();
    let last = books.payment("c", 100, &["3"]).await;
    books.until(last, "applied").await;
    server.stop().await;
    assert_eq!(books.ledger.with(|state| state.payments.len()), 1, "only the last");
}

#[tokio::test]
async fn decision_about_a_write_under_way_is_refused() {
    let (books, payment, decisions) = attention().await;
    books
        .sql(
            "update remote_write set state = 'unknown', due_at = now(), lease_until = now() + interval '1 minute'
              where connection_id = $1",
        )
        .await;
    for refused in [decisions.retry(payment, &by()).await, decisions.cancel(payment, &by()).await] {
        assert!(matches!(refused, Err(DecisionError::UnderWay)));
    }
}

#[tokio::test]
async fn only_an_applied_payment_becomes_voided() {
    let (books, payment, _) = attention().await;
    let job = books.operator().job(ProjectId(books.connection.0), books.connection);
    let cancelled = || {
        let there = ledger::payment(&ledger::prepared("a", 100, &["1"]), "77");
        RemotePayment { is_voided: true, ..there }
    };
    assert_eq!(record_seen(&job, payment, cancelled()).await.expect("read"), Seen::Open);
    assert_eq!(record_gone(&job, payment).await.expect("read"), Seen::Open);
    assert_eq!(books.stored(payment).await.state, "needs_attention");
    books.sql("update remote_write set state = 'applied' where connection_id = $1").await;
    assert_eq!(record_seen(&job, payment, cancelled()).await.expect("stored"), Seen::Settled);
    assert_eq!(books.stored(payment).await, stored("voided", "voided", Some("77"), &[]));
    assert_eq!(record_seen(&job, payment, cancelled()).await.expect("read"), Seen::Settled);
    assert_eq!(books.attempts(payment).await, ["look_up voided"], "it is no news");
}
