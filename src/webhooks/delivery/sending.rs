//! Sends events to an endpoint: those of a connection one after the other, those of different connections at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::stream::{self, StreamExt};
use metrics::{counter, histogram};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::attempt::{Attempt, Outcome};
use super::health::Health;
use super::metrics::{DURATIONS, SENT};
use super::schedule;
use super::slow::Slow;
use super::target::Target;
use crate::domain::{Clock, ConnectionId, EventId, EventPosition, EventType};
use crate::outgoing::Client;

/// How long a call may take.
pub const CALL_LIMIT: Duration = Duration::from_secs(15);
/// How long new calls are begun in one step. With the call limit it is less than the lease.
pub const STEP_LIMIT: Duration = Duration::from_secs(5);
/// The most open calls of an endpoint.
const CALLS_PER_ENDPOINT: usize = 8;
/// The most open calls of this server, without slow ones.
const CALLS: usize = 256;
/// The most open calls that are slow.
const SLOW_CALLS: usize = 2_048;

/// An event that is to be sent.
#[derive(Debug)]
pub struct Message {
    /// Its place in the feed.
    pub position: EventPosition,
    /// Its id: the same in all attempts.
    pub id: EventId,
    /// What it is.
    pub kind: EventType,
    /// Those of a connection keep their order.
    pub connection_id: Option<ConnectionId>,
    /// Attempts before this one.
    pub attempts: u16,
    /// Whether it is sent by itself, beside the order of the feed.
    pub is_retry: bool,
    /// The body, byte for byte.
    pub body: Bytes,
}

/// Sends events. Cheap to clone: all clones share their sockets and limits.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    clock: Clock,
    calls: Arc<Semaphore>,
    slow: Slow,
    is_stopping: Arc<AtomicBool>,
}

impl Sender {
    /// Sends with `client`.
    #[must_use]
    pub fn new(client: Client, clock: Clock) -> Self {
        let (calls, slow) = (Arc::new(Semaphore::new(CALLS)), Slow::new(SLOW_CALLS));
        Self { client, clock, calls, slow, is_stopping: Arc::default() }
    }

    /// Begins no more calls in [`send_all`](Self::send_all).
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Sends messages in their order, and counts what the calls show of the endpoint. The rest is not sent when the
    /// endpoint asks for a pause or fails again and again, when the step has lasted too long, or when the server stops.
    pub async fn send_all(&self, target: &Target, health: &mut Health, messages: &[Message]) -> Vec<Option<Attempt>> {
        let end = Instant::now() + STEP_LIMIT;
        let is_over = AtomicBool::new(false);
        let goes_on = || {
            let is_over = is_over.load(Ordering::Relaxed) || self.is_stopping.load(Ordering::Relaxed);
            !is_over && Instant::now() < end
        };
        let state = Mutex::new((health, vec![None; messages.len()]));
        stream::iter(chains(messages))
            .for_each_concurrent(CALLS_PER_ENDPOINT, async |chain| {
                for index in chain {
                    // The semaphore is never closed.
                    let Ok(permit) = self.calls.acquire().await else { return };
                    if !goes_on() {
                        return;
                    }
                    let call = self.send(target, &messages[index], CALL_LIMIT);
                    let attempt = self.slow.run(permit, 1, call).await;
                    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    let (health, attempts) = &mut *state;
                    if record(health, &attempt, &self.clock) {
                        is_over.store(true, Ordering::Relaxed);
                    }
                    attempts[index] = Some(attempt);
                }
            })
            .await;
        state.into_inner().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Sends one message.
    pub async fn send(&self, target: &Target, message: &Message, limit: Duration) -> Attempt {
        let started_at = self.clock.now();
        let started = Instant::now();
        let headers = target.headers(message.id, started_at, &message.body);
        let result = self.client.post_json(&target.url, &headers, &message.body, limit).await;
        let outcome = Outcome::of(result, |answer| schedule::asked(&answer.headers, self.clock.now()));
        let duration = started.elapsed();
        counter!(SENT, "outcome" => outcome.as_str()).increment(1);
        histogram!(DURATIONS, "outcome" => outcome.as_str()).record(duration);
        Attempt {
            position: message.position,
            kind: message.kind,
            number: message.attempts + 1,
            started_at,
            duration,
            outcome,
        }
    }
}

/// Counts a call. Returns whether the endpoint is left alone now.
fn record(health: &mut Health, attempt: &Attempt, clock: &Clock) -> bool {
    if attempt.outcome.is_success() {
        health.succeed(clock.now());
        return false;
    }
    health.fail(clock.now(), attempt.outcome.retry_after(), &mut rand::rng());
    health.due_at.is_some() || attempt.outcome.is_gone()
}

/// The indexes of the messages of each connection, in their order.
fn chains(messages: &[Message]) -> Vec<Vec<usize>> {
    let mut chains: Vec<(Option<ConnectionId>, Vec<usize>)> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        match chains.iter_mut().find(|(connection, _)| *connection == message.connection_id) {
            Some((_, chain)) => chain.push(index),
            None => chains.push((message.connection_id, vec![index])),
        }
    }
    chains.into_iter().map(|(_, chain)| chain).collect()
}
