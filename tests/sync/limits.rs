//! What is sent at a time, and when nothing is sent.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use unibooks::connectors::{Error, Sent};

use crate::books::{Books, stored};
use crate::ledger::{CAPABILITIES, Script};
use crate::support::wait;

#[tokio::test]
async fn one_write_at_a_time_for_an_invoice_over_two_servers() {
    let books = Books::new().await;
    let mut payments = Vec::new();
    for n in 0..12 {
        payments.push(books.payment(&format!("a{n}"), 100 + n, &["1"]).await);
    }
    let _servers = [books.server(), books.server()];
    for payment in payments {
        books.until(payment, "applied").await;
    }
    let (most, count) = books.ledger.with(|state| (state.most_per_invoice, state.payments.len()));
    assert_eq!((most, count), (1, 12));
}

#[tokio::test]
async fn software_gets_no_more_writes_at_a_time_than_it_takes() {
    let books = Arc::new(Books::with_gate(Some(Semaphore::new(0))).await);
    let mut payments = Vec::new();
    for n in 0..10 {
        payments.push(books.payment(&format!("a{n}"), 100, &[&n.to_string()]).await);
    }
    let _servers = [books.server(), books.server()];
    let max = usize::from(CAPABILITIES.max_in_flight);
    wait::until("as many are under way as may be", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        books.ledger.count("create") == max
    })
    .await;
    books.ledger.gate.as_ref().expect("a gate").add_permits(10);
    for payment in payments {
        books.until(payment, "applied").await;
    }
    assert!(books.ledger.with(|state| state.most) <= max);
}

#[tokio::test]
async fn refused_credentials_are_tried_once_and_payments_wait() {
    let books = Books::new().await;
    books.ledger.with(|state| state.next_finds.push_back(Script::Fail(Error::Unauthorized("wrong password".into()))));
    let first = books.payment("a", 100, &["1"]).await;
    let server = books.server();
    wait::until("the connection needs other credentials", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        books.status().await == ("needs_reauth".to_owned(), Some("credentials_refused".to_owned()))
    })
    .await;
    let second = books.payment("b", 100, &["2"]).await;
    server.stop().await;
    assert_eq!(books.stored(first).await, stored("pending", "pending", None, &["credentials_refused"]));
    assert_eq!(books.stored(second).await, stored("pending", "pending", None, &[]));
    assert_eq!((books.ledger.count("find"), books.ledger.count("create")), (1, 0), "the user is not locked out");

    books.sql("update connection_software set status = 'valid' where connection_id = $1").await;
    let _server = books.server();
    books.until(first, "applied").await;
    books.until(second, "applied").await;
}

#[tokio::test]
async fn pause_that_the_software_asks_for_stops_the_connection() {
    let books = Books::new().await;
    let other = books.another().await;
    let after = Some(Duration::from_mins(50));
    books.ledger.with(|state| state.next_creates.push_back(Script::Fail(Error::RateLimited { after })));
    let first = books.payment("a", 100, &["1"]).await;
    let server = books.server();
    wait::until("the connection pauses", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let query = "select coalesce(retry_at > now() + interval '49 minutes', false) from connection_software
                     where connection_id = $1";
        sqlx::query_scalar(query).bind(books.connection.0).fetch_one(&mut books.session().await).await.expect("a row")
    })
    .await;
    let second = books.payment("b", 100, &["2"]).await;
    // A connection of somebody else goes on.
    let others = other.payment("c", 100, &["1"]).await;
    other.until(others, "applied").await;
    server.stop().await;
    assert_eq!(books.stored(first).await, stored("pending", "pending", None, &["rate_limited"]));
    assert_eq!(books.stored(second).await.state, "pending");
    assert_eq!(books.ledger.count("create"), 1);
}

#[tokio::test]
async fn software_that_is_back_gets_all_its_payments() {
    let books = Books::new().await;
    let down = || Script::Fail(Error::Unavailable { sent: Sent::No, detail: "connection refused".to_owned() });
    books.ledger.with(|state| state.next_finds.extend([down(), down()]));
    let payments = [books.payment("a", 100, &["1"]).await, books.payment("b", 100, &["2"]).await];
    let _server = books.server();
    for payment in payments {
        assert_eq!(books.until(payment, "applied").await.codes, Vec::<String>::new());
    }
    let query = "select failures from connection_software where connection_id = $1";
    wait::until("the circuit is closed", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let session = &mut books.session().await;
        let failures: i32 = sqlx::query_scalar(query).bind(books.connection.0).fetch_one(session).await.expect("a row");
        failures == 0
    })
    .await;
}

#[tokio::test]
async fn paused_connection_sends_nothing() {
    let books = Books::new().await;
    let other = books.another().await;
    books.sql("update connection_software set status = 'paused' where connection_id = $1").await;
    let payment = books.payment("a", 100, &["1"]).await;
    let server = books.server();
    let others = other.payment("b", 100, &["1"]).await;
    other.until(others, "applied").await;
    server.stop().await;
    assert_eq!(books.stored(payment).await, stored("pending", "pending", None, &[]));
}

#[tokio::test]
async fn soft_stop_finishes_what_is_being_sent() {
    let books = Books::with_gate(Some(Semaphore::new(0))).await;
    let payment = books.payment("a", 100, &["1"]).await;
    let server = books.server();
    wait::until("it is being sent", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        books.ledger.count("create") == 1
    })
    .await;
    let (ledger, gate) = (&books.ledger, async { books.ledger.gate.as_ref().expect("a gate").add_permits(1) });
    let ((), ()) = tokio::join!(server.stop(), gate);
    assert_eq!(books.stored(payment).await.state, "applied");
    assert_eq!(ledger.count("create"), 1);
}

#[tokio::test]
async fn long_attempt_keeps_its_lease() {
    let books = Books::with_gate(Some(Semaphore::new(0))).await;
    let payment = books.payment("a", 100, &["1"]).await;
    let _server = books.server();
    let lease = async || -> Option<chrono::DateTime<chrono::Utc>> {
        let query = "select lease_until from remote_write where connection_id = $1";
        sqlx::query_scalar(query).bind(books.connection.0).fetch_one(&mut books.session().await).await.expect("a row")
    };
    wait::until("it is being sent", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        lease().await.is_some()
    })
    .await;
    let first = lease().await;
    wait::until("the lease is renewed", async || {
        tokio::time::sleep(Duration::from_millis(100)).await;
        lease().await > first
    })
    .await;
    books.ledger.gate.as_ref().expect("a gate").add_permits(1);
    books.until(payment, "applied").await;
    assert_eq!(books.attempts(payment).await, ["send applied"]);
}
