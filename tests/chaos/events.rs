//! Compares the events that a subscriber got with the stored payments.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tokio::time::sleep;
use uuid::Uuid;

use crate::feed::{FeedEvent, FeedReader};
use crate::history::{History, Span};
use crate::receiver::{Happened, Log};
use crate::subscriber::Subscriber;
use crate::testbed::Testbed;

/// So long that only a defect reaches it.
const DELIVERY_LIMIT: Duration = Duration::from_mins(1);

/// Checks what a reader has read of a feed to its end, and what the endpoint of the project was sent. Returns the
/// violations, one line each.
pub async fn check(
    testbed: &Testbed,
    subscriber: &Subscriber,
    history: &History,
    reader: &FeedReader,
) -> anyhow::Result<Vec<String>> {
    let connections: Vec<Uuid> = testbed
        .tenants
        .iter()
        .filter(|tenant| tenant.project == subscriber.project)
        .map(|one| one.connection)
        .collect();
    let mut session = PgConnection::connect_with(&testbed.database()?).await?;
    let query = "select id, connection_id from payment where connection_id = any($1)";
    let stored: Vec<(Uuid, Uuid)> = sqlx::query_as(query).bind(&connections).fetch_all(&mut session).await?;
    session.close().await?;

    let mut violations = differences(&reader.events, stored.into_iter().collect());
    violations.extend(order_of_feed(&reader.events, &history.spans()));
    if violations.is_empty() {
        let started = Instant::now();
        while subscriber.receiver.log().delivered.len() < reader.events.len() && started.elapsed() < DELIVERY_LIMIT {
            sleep(Duration::from_millis(10)).await;
        }
        let log = subscriber.receiver.log();
        violations.extend(log.violations.iter().cloned());
        violations.extend(deliveries(&reader.events, &log));
        violations.extend(order_of_deliveries(&reader.events, &log.happened));
    }
    Ok(violations)
}

/// Each stored payment has one event, and no other one has.
fn differences(events: &[FeedEvent], mut stored: HashMap<Uuid, Uuid>) -> Vec<String> {
    let mut violations = Vec::new();
    for event in events {
        // It is removed, so that a second event of it finds none.
        if stored.remove(&event.payment) != Some(event.connection) {
            violations.push(format!("{event}: the payment is not stored there, or has two events"));
        }
    }
    violations.extend(stored.keys().map(|payment| format!("payment {payment} is stored and has no event")));
    violations
}

/// In a connection, a payment that began after another one was answered has the later event.
fn order_of_feed(events: &[FeedEvent], spans: &HashMap<u64, Span>) -> Vec<String> {
    let mut violations = Vec::new();
    // Of each connection: the event that was answered first, among those that come later.
    let mut first_answered: HashMap<Uuid, (u64, FeedEvent)> = HashMap::new();
    for event in events.iter().rev() {
        let Some(span) = spans.get(&event.number) else { continue };
        let first = first_answered.get(&event.connection).copied();
        if let Some((answered, other)) = first.filter(|(answered, _)| *answered < span.begun) {
            violations.push(format!("{event} began at {}, after the answer to {other} at {answered}", span.begun));
        }
        if let Some(answered) = span.answered.filter(|own| first.is_none_or(|(other, _)| *own < other)) {
            first_answered.insert(event.connection, (answered, *event));
        }
    }
    violations
}

/// The endpoint took every event, and with it the same payment.
fn deliveries(events: &[FeedEvent], log: &Log) -> Vec<String> {
    let mut delivered = log.delivered.clone();
    let wrong = events.iter().filter(|event| delivered.remove(&event.id) != Some(event.payment));
    let mut violations: Vec<String> = wrong.map(|event| format!("{event} was not delivered")).collect();
    violations.extend(
        delivered
            .iter()
            .map(|(event, payment)| format!("event {event} of payment {payment} was delivered and is in no feed")),
    );
    violations
}

/// In a connection, events arrive first in the order of the feed. One that could not arrive, because the receiver was
/// dead, comes later; it does not hold up the following ones.
fn order_of_deliveries(events: &[FeedEvent], happened: &[Happened]) -> Vec<String> {
    /// Where a connection is.
    #[derive(Default)]
    struct Arrivals {
        /// The events that arrived before all earlier ones of the feed had: place, and whether the receiver was dead
        /// since the arrival before it. Places ascend.
        ahead: Vec<(usize, bool)>,
        /// The deaths until the last arrival.
        deaths: u32,
    }
    let places: HashMap<Uuid, (usize, &FeedEvent)> =
        events.iter().enumerate().map(|(place, event)| (event.id, (place, event))).collect();
    let mut violations = Vec::new();
    let mut connections: HashMap<Uuid, Arrivals> = HashMap::new();
    let mut seen = HashSet::new();
    let mut deaths = 0;
    for happened in happened {
        let Happened::Arrived(id) = happened else {
            deaths += 1;
            continue;
        };
        let Some((place, event)) = places.get(id) else {
            violations.push(format!("event {id} arrived and is in no feed"));
            continue;
        };
        let arrivals = connections.entry(event.connection).or_default();
        let was_dead = std::mem::replace(&mut arrivals.deaths, deaths) != deaths;
        if !seen.insert(*id) {
            continue;
        }
        let first_after = arrivals.ahead.partition_point(|(other, _)| other < place);
        match arrivals.ahead.get(first_after) {
            None => arrivals.ahead.push((*place, was_dead)),
            Some((_, true)) => {}
            Some((other, false)) => violations.push(format!("{} arrived before {event}", events[*other])),
        }
    }
    violations
}
