//! Earlier events are sent again when somebody asks for it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use unibooks::domain::{EventId, EventPosition, WebhookEndpointId};
use unibooks::webhooks::delivery::{Error, ReplayRequest, Selection};

use crate::receiver::{Receiver, status};
use crate::site::{Running, Site};
use crate::support::wait::until;

fn request(selection: Selection) -> ReplayRequest {
    ReplayRequest { since: None, until: None, patterns: vec!["*".parse().expect("a pattern")], selection }
}

/// Asks for a replay, and waits until it has ended and nothing is left to send.
async fn replayed(site: &Site, running: &Running, endpoint: WebhookEndpointId, request: ReplayRequest) {
    running.deliveries.replay(&site.scope(), endpoint, request).await.expect("accepted");
    until("the replay has ended", async || {
        let open = "select from webhook_replay where project_id = $1 and endpoint_id = $2";
        let due = "select from webhook_retry where project_id = $1 and endpoint_id = $2 and attempts = 0";
        site.rows(open, endpoint).await.is_empty() && site.rows(due, endpoint).await.is_empty()
    })
    .await;
}

/// What arrived beyond the first `before` calls.
fn since(receiver: &Receiver, before: usize) -> BTreeSet<String> {
    receiver.objects().split_off(before).into_iter().collect()
}

fn set(objects: &[String]) -> BTreeSet<String> {
    objects.iter().cloned().collect()
}

#[tokio::test]
async fn failed_missing_or_all_events_are_sent_again() {
    let site = Site::new().await;
    let receiver = Receiver::answering(|before, _| status(if before % 2 == 1 && before < 4 { 400 } else { 200 })).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let sent = site.pay(&site.tenant, 4).await;
    let running = site.deliver();
    site.stored(endpoint, 4).await;
    // A disabled endpoint gets nothing, and does not get it later by itself.
    site.pause(endpoint).await;
    let missing = site.pay(&site.tenant, 3).await;
    site.resume(endpoint).await;
    let last = site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 5).await;
    assert_eq!(receiver.objects()[4..], last);

    replayed(&site, &running, endpoint, request(Selection::Missing)).await;
    assert_eq!(since(&receiver, 5), set(&missing));
    replayed(&site, &running, endpoint, request(Selection::Failed)).await;
    assert_eq!(since(&receiver, 8), set(&[sent[1].clone(), sent[3].clone()]));
    replayed(&site, &running, endpoint, request(Selection::Failed)).await;
    replayed(&site, &running, endpoint, request(Selection::Missing)).await;
    assert_eq!(receiver.count(), 10, "nothing is left");
    replayed(&site, &running, endpoint, request(Selection::All)).await;
    assert_eq!(since(&receiver, 10), set(&[&sent[..], &missing, &last].concat()));
    let delivered = receiver.received();
    assert_eq!(delivered[10].id(), delivered[0].id(), "the same id in all attempts");
}

#[tokio::test]
async fn replay_is_of_a_range_of_time_and_of_types() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    let endpoint = site.endpoint(&receiver.url).await;
    let running = site.deliver();
    let mut times: Vec<DateTime<Utc>> = Vec::new();
    let mut paid = Vec::new();
    for _ in 0..3 {
        times.push(site.database_now().await);
        paid.extend(site.pay(&site.tenant, 1).await);
    }
    site.stored(endpoint, 3).await;
    let middle = ReplayRequest { since: Some(times[1]), until: Some(times[2]), ..request(Selection::All) };
    replayed(&site, &running, endpoint, middle).await;
    assert_eq!(since(&receiver, 3), set(&paid[1..2]));
    let other = ReplayRequest { patterns: vec!["connection.*".parse().expect("one")], ..request(Selection::All) };
    replayed(&site, &running, endpoint, other).await;
    assert_eq!(receiver.count(), 4);
}

#[tokio::test]
async fn large_replay_goes_step_by_step_and_is_resumed() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    let endpoint = site.endpoint(&receiver.url).await;
    let paid = site.pay(&site.tenant, 450).await;
    let running = site.deliver();
    site.stored(endpoint, 450).await;
    running.deliveries.replay(&site.scope(), endpoint, request(Selection::All)).await.expect("accepted");
    let mut most = 0;
    until("some were sent again", async || {
        most = most.max(site.open_retries(endpoint).await);
        receiver.count() > 500
    })
    .await;
    running.kill().await;
    site.lapse_leases().await;
    let _running = site.deliver();
    until("all were sent again", async || {
        most = most.max(site.open_retries(endpoint).await);
        since(&receiver, 450).len() == 450
    })
    .await;
    assert_eq!(since(&receiver, 450), set(&paid));
    assert!(most <= 200, "{most} retries are bounded");
}

#[tokio::test]
async fn one_event_is_sent_again_to_who_wants_it() {
    let site = Site::new().await;
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    let endpoint = site.endpoint(&receiver.url).await;
    site.endpoint_for(&other.url, "connection.*").await;
    let running = site.deliver();
    site.pay(&site.tenant, 2).await;
    site.stored(endpoint, 2).await;
    let event = EventId::new(site.tenant.project_id, EventPosition(1));
    let sent = running.deliveries.resend(&site.scope(), event).await.expect("accepted");
    assert_eq!(sent, [endpoint]);
    site.stored(endpoint, 3).await;
    assert_eq!(receiver.received()[2].id(), event.to_string());
    assert_eq!(other.count(), 0);
    let foreign = EventId::new(site.app.tenant().await.project_id, EventPosition(1));
    for unknown in [foreign, EventId::new(site.tenant.project_id, EventPosition(99))] {
        let refused = running.deliveries.resend(&site.scope(), unknown).await;
        assert!(matches!(refused, Err(Error::NoSuchEvent)), "{refused:?}");
    }
}

#[tokio::test]
async fn requests_for_an_endpoint_are_bounded() {
    let site = Site::new().await;
    let running = site.deliver();
    let endpoint = site.endpoint("http://127.0.0.1:1/").await;
    let nobody = WebhookEndpointId::new(site.now());
    let refused = running.deliveries.replay(&site.scope(), nobody, request(Selection::All)).await;
    assert!(matches!(refused, Err(Error::NoSuchEndpoint)), "{refused:?}");
    let deliveries = running.deliveries.clone();
    running.stop().await;
    for _ in 0..10 {
        deliveries.replay(&site.scope(), endpoint, request(Selection::All)).await.expect("accepted");
    }
    let refused = deliveries.replay(&site.scope(), endpoint, request(Selection::All)).await;
    assert!(matches!(refused, Err(Error::TooManyReplays)), "{refused:?}");
}

#[tokio::test]
async fn test_call_is_answered_and_leaves_no_trace() {
    let site = Site::new().await;
    let receiver = Receiver::answering(|_, _| status(418)).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let running = site.deliver();
    let (event, attempt) = running.deliveries.test(&site.scope(), endpoint).await.expect("called");
    assert_eq!(attempt.outcome.as_str(), "refused");
    let [delivered] = &receiver.received()[..] else { panic!("not one call") };
    assert_eq!((delivered.id(), &delivered.body["type"]), (event.to_string(), &"webhook_endpoint.test".into()));
    assert_eq!(event.position_in(site.tenant.project_id), None);
    site.pass(Duration::from_secs(10));
    assert_eq!((site.open_retries(endpoint).await, site.outcomes(endpoint).await.len()), (0, 0));
}

#[tokio::test]
async fn replay_sends_only_what_the_endpoint_wants() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    let endpoint = site.endpoint_for(&receiver.url, "sync.*").await;
    site.pay(&site.tenant, 2).await;
    let running = site.deliver();
    replayed(&site, &running, endpoint, request(Selection::All)).await;
    assert_eq!(receiver.objects(), Vec::<String>::new());
}

#[tokio::test]
async fn replay_ends_at_what_there_was_when_it_was_asked_for() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    let endpoint = site.endpoint(&receiver.url).await;
    let earlier = site.pay(&site.tenant, 1).await;
    let running = site.deliver();
    site.stored(endpoint, 1).await;
    let deliveries = running.deliveries.clone();
    running.stop().await;
    let until_later = ReplayRequest { until: Some(site.now() + TimeDelta::days(1)), ..request(Selection::All) };
    deliveries.replay(&site.scope(), endpoint, until_later).await.expect("accepted");
    let later = site.pay(&site.tenant, 1).await;
    let _running = site.deliver();
    let open = "select from webhook_replay where project_id = $1 and endpoint_id = $2";
    until("the replay has ended", async || site.rows(open, endpoint).await.is_empty()).await;
    until("nothing waits", async || site.open_retries(endpoint).await == 0).await;
    site.stored(endpoint, 3).await;
    let mut arrived = receiver.objects();
    arrived.sort();
    assert_eq!(arrived, [&earlier[..], &earlier[..], &later[..]].concat());
}
