//! Many servers share the work, and any of them may be killed.

use std::sync::Arc;

use sqlx::Row;
use tokio::sync::Semaphore;
use unibooks::outgoing::Networks;

use crate::receiver::{Receiver, Reply, status};
use crate::site::Site;
use crate::support::postgres;
use crate::support::wait::until;

#[tokio::test]
async fn two_servers_send_each_event_once() {
    let site = Site::new().await;
    let receivers = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
    for receiver in &receivers {
        site.endpoint(&receiver.url).await;
    }
    let others = postgres::pool(site.app.options.clone()).await;
    let _running = [site.deliver(), site.deliver_from(&others, Networks::loopback())];
    let paid = site.pay(&site.tenant, 100).await;
    for receiver in &receivers {
        until("all have come", async || receiver.count() >= 100).await;
    }
    let last = site.pay(&site.tenant, 1).await;
    for receiver in &receivers {
        until("the last one has come", async || receiver.count() > 100).await;
        assert_eq!(receiver.objects(), [&paid[..], &last].concat());
    }
}

#[tokio::test]
async fn lease_keeps_other_servers_away() {
    let site = Site::new().await;
    let receiver = Receiver::answering(|_, _| Reply::Silence).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let others = postgres::pool(site.app.options.clone()).await;
    let _running = site.deliver();
    site.pay(&site.tenant, 1).await;
    until("it is called", async || receiver.count() == 1).await;
    let second = Receiver::start().await;
    site.endpoint(&second.url).await;
    let _other = site.deliver_from(&others, Networks::loopback());
    site.pay(&site.tenant, 2).await;
    until("other endpoints are served", async || second.count() >= 2).await;
    assert_eq!((receiver.count(), site.outcomes(endpoint).await.len()), (1, 0));
}

#[tokio::test]
async fn event_of_a_killed_server_is_sent_again_with_the_same_id() {
    let site = Site::new().await;
    let receiver = Receiver::answering(|before, _| if before == 0 { Reply::Silence } else { status(200) }).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let killed = site.deliver();
    site.pay(&site.tenant, 3).await;
    until("it is called", async || receiver.count() == 1).await;
    killed.kill().await;
    site.lapse_leases().await;
    let _running = site.deliver();
    site.stored(endpoint, 3).await;
    let delivered = receiver.received();
    assert_eq!(delivered.len(), 4);
    assert_eq!((delivered[0].id(), &delivered[0].body), (delivered[1].id(), &delivered[1].body));
}

#[tokio::test]
async fn server_killed_before_it_stores_an_answer_sends_again() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    let endpoint = site.endpoint(&receiver.url).await;
    // Nothing can be stored while the test holds the rows of attempts.
    let mut session = site.app.connect().await;
    sqlx::raw_sql("begin; lock table webhook_attempt in share mode").execute(&mut session).await.expect("locked");
    let killed = site.deliver();
    site.pay(&site.tenant, 1).await;
    until("it is called", async || receiver.count() == 1).await;
    killed.kill().await;
    sqlx::raw_sql("rollback").execute(&mut session).await.expect("unlocked");
    assert_eq!(site.outcomes(endpoint).await.len(), 0, "nothing was stored");
    site.lapse_leases().await;
    let _running = site.deliver();
    site.stored(endpoint, 1).await;
    let delivered = receiver.received();
    assert_eq!(delivered.len(), 2);
    assert_eq!(delivered[0].id(), delivered[1].id());
}

#[tokio::test]
async fn server_whose_lease_was_taken_stores_nothing() {
    let site = Site::new().await;
    let permits = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&permits);
    let receiver = Receiver::answering(move |_, _| Reply::Held(Arc::clone(&own), 200)).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let running = site.deliver();
    site.pay(&site.tenant, 1).await;
    until("it is called", async || receiver.count() == 1).await;
    let taken = "update webhook_delivery
                 set lease_id = 'a0000000-0000-7000-8000-000000000001', lease_until = now() + interval '1 minute'
                 where project_id = $1 and endpoint_id = $2 returning position";
    let before: i64 = site.rows(taken, endpoint).await[0].get(0);
    permits.add_permits(1);
    running.stop().await;
    let query =
        "select position from webhook_delivery where project_id = $1 and endpoint_id = $2 and lease_id is not null";
    let after: i64 = site.rows(query, endpoint).await[0].get(0);
    assert_eq!((after, site.outcomes(endpoint).await.len()), (before, 0));
}

#[tokio::test]
async fn soft_stop_lets_open_calls_end_and_begins_no_other() {
    let site = Site::new().await;
    let permits = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&permits);
    let receiver = Receiver::answering(move |_, _| Reply::Held(Arc::clone(&own), 200)).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let paid = site.pay(&site.tenant, 3).await;
    let mut running = site.deliver();
    until("it is called", async || receiver.count() == 1).await;
    running.begin_stop();
    permits.add_permits(100);
    running.stop().await;
    assert_eq!(receiver.objects(), paid[..1]);
    assert_eq!(site.outcomes(endpoint).await, ["200"], "what came of it is stored");
    let _running = site.deliver();
    site.stored(endpoint, 3).await;
    assert_eq!(receiver.objects(), paid, "another server goes on");
}
