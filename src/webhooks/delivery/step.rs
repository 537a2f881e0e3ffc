//! One step of an endpoint: what it is to get next is read, sent, and stored as sent.

use axum::body::Bytes;
use chrono::TimeDelta;

use super::attempt::Attempt;
use super::conclusion::Conclusion;
use super::error::Error;
use super::health::Health;
use super::rate::Rate;
use super::replay::{self, MAX_RETRIES};
use super::sending::{Message, Sender};
use super::slow::Slow;
use super::store::{self, Lease};
use super::target::Target;
use super::turns::Place;
use crate::auth::ProjectScope;
use crate::domain::{Clock, EventPosition, EventType, WebhookAttemptId};
use crate::events::{self, Event, Filter};
use crate::sealed::SealingKeys;
use crate::webhooks::endpoints::{self, DisabledReason, Endpoint};
use crate::webhooks::feed;

/// The most events that are read at a time.
const PAGE: u16 = 250;
/// How long an endpoint is left alone after a step that could not be done.
const AGAIN: TimeDelta = TimeDelta::seconds(5);
/// The most retries in a step. The feed is read only when all that are due fit: among them may be events that an earlier
/// step left out, and what follows them in the feed must not pass them by.
const RETRIES: u16 = MAX_RETRIES;

/// A unit of the room for steps of slow endpoints: what a step needs at least, in bytes.
pub const ROOM_BYTES: usize = 32 * 1_024;

/// A step of an endpoint, under its lease.
#[derive(Debug)]
pub struct Step {
    /// The project.
    pub scope: ProjectScope,
    /// The right to send.
    pub lease: Lease,
    /// Sends.
    pub sender: Sender,
    /// Room for steps of slow endpoints, in units of [`ROOM_BYTES`].
    pub slow: Slow,
    /// Counts what is sent.
    pub rate: Rate,
    /// The keys that open the endpoint's secrets.
    pub keys: Option<SealingKeys>,
    /// The time.
    pub clock: Clock,
}

/// What an endpoint is to get.
struct Gathered {
    messages: Vec<Message>,
    /// The end of what was read from the feed.
    last: EventPosition,
    /// Retries whose event is not kept any more.
    expired: Vec<i64>,
}

impl Gathered {
    /// What it needs of the room for steps of slow endpoints.
    fn room(&self) -> u32 {
        let bytes: usize = self.messages.iter().map(|message| message.body.len()).sum();
        u32::try_from(bytes / ROOM_BYTES + 1).unwrap_or(u32::MAX)
    }
}

impl Step {
    /// Does the step in its place, which others get while the endpoint is slow. What came of it is in the database; a
    /// failure is logged, and the step is done again.
    pub async fn run(self, place: Place) {
        let Err(error) = self.try_run(place).await else { return };
        self.log(&error);
        // Where this fails, too, the lease lapses by itself.
        let _ = store::release(&self.scope, &self.lease, Some(self.clock.now() + AGAIN)).await;
    }

    fn log(&self, error: &Error) {
        let (project, endpoint) = (self.scope.project_id(), self.lease.endpoint);
        let error = error as &dyn std::error::Error;
        tracing::warn!(%project, %endpoint, error, "events were not delivered; they will be");
    }

    async fn try_run(&self, place: Place) -> Result<(), Error> {
        let endpoint = endpoints::find(&self.scope, self.lease.endpoint).await?.filter(Endpoint::is_active);
        let Some(endpoint) = endpoint else {
            return Ok(store::release(&self.scope, &self.lease, None).await?);
        };
        let target = Target::open(&endpoint, self.keys.as_ref(), self.clock.now())?;
        let gathered = self.gather(&endpoint, &target).await?;
        // What was read may have happened after a change of the endpoint, which then decides what it gets.
        let now = endpoints::find(&self.scope, endpoint.id).await?;
        if !now.is_some_and(|now| now.is_active() && now.modified_at == endpoint.modified_at) {
            return Ok(store::release(&self.scope, &self.lease, None).await?);
        }
        self.rate.count(gathered.messages.len());
        let mut health = self.lease.health.clone();
        let calls = self.sender.send_all(&target, &mut health, &gathered.messages);
        let attempts = self.slow.run(place, gathered.room(), calls).await;
        self.store(&gathered, attempts, &health).await
    }

    /// What the endpoint is to get now. One that fails again and again gets a single event.
    async fn gather(&self, endpoint: &Endpoint, target: &Target) -> Result<Gathered, Error> {
        let (scope, id, from) = (&self.scope, self.lease.endpoint, self.lease.position);
        let is_failing = self.lease.health.is_failing();
        let mut open = self.lease.open_retries;
        if self.lease.has_replay
            && open < i64::from(MAX_RETRIES)
            && replay::extend(scope, endpoint, self.clock.now()).await?
        {
            open = store::open_retries(scope, id).await?;
        }
        let most = if is_failing { 1 } else { RETRIES };
        // Most endpoints have none, and the database is not asked.
        let retries = if open > 0 { store::due_retries(scope, id, self.clock.now(), most).await? } else { Vec::new() };
        let mut wanted = Vec::new();
        let mut expired = Vec::new();
        for retry in &retries {
            match events::find(scope, retry.position).await? {
                Some(event) => wanted.push((event, Some(retry.attempts))),
                None => expired.push(retry.position.0),
            }
        }
        let mut last = from;
        if open <= i64::from(MAX_RETRIES) && (!is_failing || wanted.is_empty()) {
            let filter = Filter { created_after: Some(self.lease.begins_at), ..endpoint.filter() };
            let page = events::read(scope, &filter, from, if is_failing { 1 } else { PAGE }).await?;
            last = page.last;
            wanted.extend(page.events.into_iter().map(|event| (event, None)));
        }
        let (events, attempts): (Vec<Event>, Vec<Option<u16>>) = wanted.into_iter().unzip();
        let bodies = feed::bodies(scope, &events).await?;
        let message = |((event, attempts), body): ((Event, Option<u16>), Bytes)| Message {
            position: event.position,
            id: event.id(scope.project_id()),
            kind: event.kind,
            connection_id: event.connection_id,
            attempts: attempts.unwrap_or(0),
            is_retry: attempts.is_some(),
            body: target.body(&body),
        };
        let messages = events.into_iter().zip(attempts).zip(bodies).map(message).collect();
        Ok(Gathered { messages, last, expired })
    }

    /// Stores what came of a step, all of it or nothing.
    async fn store(&self, gathered: &Gathered, attempts: Vec<Option<Attempt>>, health: &Health) -> Result<(), Error> {
        let (endpoint, now) = (self.lease.endpoint, self.clock.now());
        let concluded = Conclusion::of(&gathered.messages, &attempts, gathered.last, now, &mut rand::rng());
        let Conclusion { position, retries, ended } = concluded;
        let mut transaction = self.scope.transaction().await?;
        if !store::settle(&mut transaction, &self.lease, position, health).await? {
            return Err(Error::LeaseLost);
        }
        store::put_retries(&mut transaction, endpoint, &retries).await?;
        store::end_retries(&mut transaction, endpoint, &[&ended[..], &gathered.expired].concat()).await?;
        let is_back = self.lease.health.is_failing() && health.failures == 0;
        if is_back {
            store::hasten(&mut transaction, endpoint, now).await?;
        }
        let is_gone = attempts.iter().flatten().any(|attempt| attempt.outcome.is_gone());
        let attempts: Vec<_> =
            attempts.into_iter().flatten().map(|made| (WebhookAttemptId::new(made.started_at).0, made)).collect();
        store::insert_attempts(&mut transaction, endpoint, &attempts).await?;
        let reason = match (is_gone, health.is_given_up(now)) {
            (true, _) => Some(DisabledReason::Gone),
            (false, true) => Some(DisabledReason::Failing),
            (false, false) => None,
        };
        // Not where a person paused it at the same moment: it stays paused.
        let disabled = match reason {
            Some(reason) => endpoints::disable(&mut transaction, endpoint, reason, now).await?.then_some(reason),
            None => None,
        };
        if disabled.is_some() {
            events::append(&mut transaction, EventType::WebhookEndpointDisabled, endpoint.0).await?;
        }
        transaction.commit().await?;
        if let Some(reason) = disabled {
            let project = self.scope.project_id();
            tracing::warn!(%project, %endpoint, reason = reason.as_str(), "a webhook endpoint was disabled");
        }
        Ok(())
    }
}
