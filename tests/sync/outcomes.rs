//! How a write ends, whatever the software does.

use unibooks::connectors::{Error, Fault, Sent};

use crate::books::{Books, stored};
use crate::ledger::{self, Script};

fn cut_off() -> Error {
    Error::Unavailable { sent: Sent::Maybe, detail: "the connection was reset".to_owned() }
}

fn refused() -> Error {
    Error::Rejected(vec![Fault::new("/total_amount", "refused_by_software", "It is paid already.")])
}

#[tokio::test]
async fn payment_reaches_the_software_and_says_so() {
    let books = Books::new().await;
    let payment = books.payment("a", 100, &["1"]).await;
    let _server = books.server();
    assert_eq!(books.until(payment, "applied").await, stored("applied", "applied", Some("100"), &[]));
    assert_eq!(books.attempts(payment).await, ["send applied"]);
    let calls = books.ledger.with(|state| state.calls.iter().map(|(call, _)| *call).collect::<Vec<_>>());
    assert_eq!(calls, ["fence", "find", "create"], "the fence is taken before the look-up");
}

#[tokio::test]
async fn lost_answer_is_looked_up_and_not_sent_again() {
    let books = Books::new().await;
    books.ledger.with(|state| state.next_creates.push_back(Script::Lose(cut_off())));
    let payment = books.payment("a", 100, &["1"]).await;
    let _server = books.server();
    assert_eq!(books.until(payment, "applied").await, stored("applied", "applied", Some("100"), &[]));
    assert_eq!(books.attempts(payment).await, ["send unknown", "look_up applied"]);
    assert_eq!(books.ledger.count("create"), 1);
}

#[tokio::test]
async fn what_did_not_arrive_is_sent_again_after_a_look_up() {
    let books = Books::new().await;
    books.ledger.with(|state| state.next_creates.push_back(Script::Fail(cut_off())));
    let payment = books.payment("a", 100, &["1"]).await;
    let _server = books.server();
    books.until(payment, "applied").await;
    assert_eq!(books.attempts(payment).await, ["send unknown", "look_up pending", "send applied"]);
    assert_eq!(books.ledger.with(|state| state.payments.len()), 1);
}

#[tokio::test]
async fn refused_payment_is_rejected_for_good() {
    let books = Books::new().await;
    books.ledger.with(|state| state.next_creates.push_back(Script::Fail(refused())));
    let payment = books.payment("a", 100, &["1"]).await;
    let _server = books.server();
    let rejected = stored("rejected", "rejected", None, &["refused_by_software"]);
    assert_eq!(books.until(payment, "rejected").await, rejected);
    assert_eq!(books.ledger.count("create"), 1);
}

#[tokio::test]
async fn refusal_of_what_is_there_already_is_no_refusal() {
    let books = Books::new().await;
    // As after a restore of the database: the software has it, and refuses it a second time.
    books.ledger.with(|state| {
        state.next_creates.push_back(Script::Lose(refused()));
    });
    let payment = books.payment("a", 100, &["1"]).await;
    let _server = books.server();
    assert_eq!(books.until(payment, "applied").await, stored("applied", "applied", Some("100"), &[]));
}

#[tokio::test]
async fn another_amount_under_our_key_needs_attention() {
    let books = Books::new().await;
    let other = ledger::payment(&ledger::prepared("a", 999, &["1"]), "77");
    books.ledger.with(|state| state.payments.push(("a".to_owned(), other)));
    let payment = books.payment("a", 100, &["1"]).await;
    let _server = books.server();
    let attention = stored("needs_attention", "needs_attention", None, &["differs"]);
    assert_eq!(books.until(payment, "needs_attention").await, attention);
    assert_eq!(books.ledger.count("create"), 0);
}

#[tokio::test]
async fn two_payments_under_our_key_need_attention() {
    let books = Books::new().await;
    let write = ledger::prepared("a", 100, &["1"]);
    let both = ["77", "78"].map(|id| ("a".to_owned(), ledger::payment(&write, id)));
    books.ledger.with(|state| state.payments.extend(both));
    let payment = books.payment("a", 100, &["1"]).await;
    let _server = books.server();
    let attention = stored("needs_attention", "needs_attention", None, &["found_twice"]);
    assert_eq!(books.until(payment, "needs_attention").await, attention);
}

#[tokio::test]
async fn payment_of_a_killed_server_is_looked_up() {
    let books = Books::new().await;
    let payment = books.payment("a", 100, &["1"]).await;
    let write = ledger::prepared("a", 100, &["1"]);
    books.ledger.with(|state| state.payments.push(("a".to_owned(), ledger::payment(&write, "77"))));
    books
        .sql(
            "update remote_write
             set state = 'sending', attempts = 1, lease_id = gen_random_uuid(), lease_until = now(), due_at = now(),
                 sent_at = now()
             where connection_id = $1",
        )
        .await;
    let _server = books.server();
    assert_eq!(books.until(payment, "applied").await, stored("applied", "applied", Some("77"), &[]));
    assert_eq!(books.ledger.count("create"), 0);
}

#[tokio::test]
async fn old_payment_is_looked_up_and_then_waits_for_a_person() {
    let books = Books::new().await;
    let (old, there) = (books.payment("a", 100, &["1"]).await, books.payment("b", 100, &["2"]).await);
    let write = ledger::prepared("b", 100, &["2"]);
    books.ledger.with(|state| state.payments.push(("b".to_owned(), ledger::payment(&write, "77"))));
    books.sql("update remote_write set created_at = now() - interval '25 hours' where connection_id = $1").await;
    let _server = books.server();
    let attention = stored("needs_attention", "needs_attention", None, &["too_old"]);
    assert_eq!(books.until(old, "needs_attention").await, attention);
    assert_eq!(books.until(there, "applied").await, stored("applied", "applied", Some("77"), &[]));
    assert_eq!(books.ledger.count("create"), 0);
}

#[tokio::test]
async fn payments_of_a_revoked_connection_are_looked_up_and_not_sent() {
    let books = Books::new().await;
    let payment = books.payment("a", 100, &["1"]).await;
    books.sql("update connection set revoked_at = now() where id = $1").await;
    let _server = books.server();
    let attention = stored("needs_attention", "needs_attention", None, &["connection_revoked"]);
    assert_eq!(books.until(payment, "needs_attention").await, attention);
    assert_eq!((books.ledger.count("find"), books.ledger.count("create")), (1, 0));
}
