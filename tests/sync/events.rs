//! What a write changes for clients is announced, once and with its state.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use unibooks::connectors::{Error, Fault, Sent};
use unibooks::domain::{Clock, EventType, PaymentId, ProjectId};
use unibooks::management::connections;
use unibooks::sync::{By, Decisions, record_gone};

use crate::books::Books;
use crate::ledger::{self, Script};
use crate::support::events::{self, Feed};
use crate::support::wait::until;

async fn feed(books: &Books) -> Feed {
    events::feed(&books.database, ProjectId(books.connection.0)).await
}

/// The members of a payment that change.
#[derive(Debug, PartialEq, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
struct Shown {
    modified_at: DateTime<Utc>,
    remote_id: Option<String>,
    remote_updated_at: Option<DateTime<Utc>>,
    remote_status: String,
}

/// As they are stored now.
async fn shown(books: &Books, payment: PaymentId) -> Shown {
    let query = "select modified_at, remote_id, remote_updated_at, remote_status
                 from payment where connection_id = $1 and id = $2";
    let mut session = books.session().await;
    sqlx::query_as(query).bind(books.connection.0).bind(payment.0).fetch_one(&mut session).await.expect("a payment")
}

fn unavailable(sent: Sent) -> Error {
    Error::Unavailable { sent, detail: "the connection was reset".to_owned() }
}

#[tokio::test]
async fn each_change_of_a_payment_is_announced_with_its_state() {
    let books = Books::new().await;
    books.ledger.with(|state| state.next_creates.push_back(Script::Fail(unavailable(Sent::Maybe))));
    let payment = books.payment("a", 100, &["1"]).await;
    let server = books.server();
    books.until(payment, "applied").await;
    server.stop().await;
    let feed = feed(&books).await;
    let statuses = [("updated", json!("unknown")), ("updated", json!("pending")), ("applied", json!("applied"))];
    assert_eq!(feed.states("remote_status"), statuses, "`sending` is nothing that clients see");
    assert!(feed.0.iter().all(|event| event.object_id == payment.0));
    assert!(feed.0.iter().all(|event| event.connection_id == Some(books.connection)));
    let last: Shown = serde_json::from_str(feed.0[2].state.as_ref().expect("a state").get()).expect("all four");
    assert_eq!(last, shown(&books, payment).await);
}

#[tokio::test]
async fn refusals_and_open_questions_have_their_own_events() {
    let books = Books::new().await;
    let refusal = Error::Rejected(vec![Fault::new("/total_amount", "refused_by_software", "It is paid already.")]);
    books.ledger.with(|state| state.next_creates.push_back(Script::Fail(refusal)));
    let refused = books.payment("a", 100, &["1"]).await;
    let server = books.server();
    books.until(refused, "rejected").await;
    let other = ledger::payment(&ledger::prepared("b", 999, &["2"]), "77");
    books.ledger.with(|state| state.payments.push(("b".to_owned(), other)));
    let differing = books.payment("b", 100, &["2"]).await;
    books.until(differing, "needs_attention").await;
    server.stop().await;
    let by = By { actor: "Ann".to_owned(), reason: "booked by hand".to_owned() };
    let decisions = Decisions::of(&books.operator(), books.connection).await.expect("a connection");
    let cancelled = books.payment("c", 100, &["3"]).await;
    decisions.cancel(cancelled, &by).await.expect("cancelled");
    let names = ["accounting.payment.rejected", "accounting.payment.needs_attention", "accounting.payment.rejected"];
    assert_eq!(feed(&books).await.names(), names);
}

#[tokio::test]
async fn cancellation_in_the_software_is_an_update() {
    let books = Books::new().await;
    let payment = books.payment("a", 100, &["1"]).await;
    let server = books.server();
    books.until(payment, "applied").await;
    server.stop().await;
    let job = books.operator().job(ProjectId(books.connection.0), books.connection);
    for _news_and_no_news in 0..2 {
        record_gone(&job, payment).await.expect("stored");
    }
    let states = [("applied", json!("applied")), ("updated", json!("voided"))];
    assert_eq!(feed(&books).await.states("remote_status"), states);
}

#[tokio::test]
async fn attempt_that_changes_nothing_for_clients_is_no_event() {
    let books = Books::new().await;
    books.ledger.with(|state| state.next_creates.push_back(Script::Fail(unavailable(Sent::No))));
    let payment = books.payment("a", 100, &["1"]).await;
    let server = books.server();
    until("an attempt has ended", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        books.attempts(payment).await.first().is_some_and(|attempt| attempt == "send pending")
    })
    .await;
    server.stop().await;
    assert_eq!(books.attempts(payment).await, ["send pending"], "the next one is not due yet");
    assert!(feed(&books).await.0.is_empty());
}

/// The outbox refuses rows for a while: the change is not stored without its event.
#[tokio::test]
async fn change_and_event_are_stored_together_or_not_at_all() {
    let books = Books::new().await;
    let mut session = books.session().await;
    // A sequence keeps what a transaction that is rolled back has taken from it.
    let broken = "create sequence refused;
                  create function refuse() returns trigger language plpgsql as
                  $$ begin perform nextval('refused'); raise exception 'no event'; end $$;
                  create trigger refuse before insert on event_outbox for each row execute function refuse();";
    sqlx::raw_sql(broken).execute(&mut session).await.expect("broken");
    let payment = books.payment("a", 100, &["1"]).await;
    let server = books.server();
    until("an event was refused", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let query = "select is_called from refused";
        sqlx::query_scalar::<_, bool>(query).fetch_one(&mut session).await.expect("an answer")
    })
    .await;
    assert_eq!(shown(&books, payment).await.remote_status, "pending");
    sqlx::raw_sql("drop trigger refuse on event_outbox").execute(&mut session).await.expect("whole");
    books.until(payment, "applied").await;
    server.stop().await;
    assert_eq!(feed(&books).await.states("remote_id"), [("applied", json!("100"))]);
}

#[tokio::test]
async fn event_of_a_transaction_that_is_rolled_back_does_not_exist() {
    let books = Books::new().await;
    let job = books.operator().job(ProjectId(books.connection.0), books.connection);
    let mut transaction = job.transaction().await.expect("begun");
    let objects = [books.connection.0];
    unibooks::events::announce(&mut transaction, EventType::SyncCompleted, &objects, None).await.expect("announced");
    transaction.rollback().await.expect("rolled back");
    assert!(feed(&books).await.0.is_empty());
}

#[tokio::test]
async fn refused_credentials_are_announced_once() {
    let books = Books::new().await;
    let (operator, access) = (books.operator(), &books.settings.access);
    let connection = connections::find(&operator, books.connection).await.expect("read").expect("a connection");
    let check = async || connections::check(&operator, access, &connection, Clock::system().now()).await;
    for _ in 0..2 {
        books.ledger.with(|state| state.next_checks.push_back(Error::Unauthorized("wrong password".into())));
        check().await.expect_err("refused");
    }
    assert_eq!(feed(&books).await.names(), ["connection.needs_reauth"]);
    for _ in 0..2 {
        check().await.expect("accepted");
    }
    assert_eq!(feed(&books).await.names(), ["connection.needs_reauth", "connection.reconnected"]);
}
