//! What people ask for: earlier events again, one event again, or a call that shows whether an endpoint works.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use rand::RngExt;
use serde_json::json;
use uuid::Builder;

use super::attempt::Attempt;
use super::deliveries::Deliveries;
use super::error::Error;
use super::selection::Selection;
use super::sending::Message;
use super::store::{self, Replay, Retry};
use super::target::Target;
use crate::auth::ProjectScope;
use crate::db;
use crate::domain::{EventId, EventPattern, EventPosition, EventType, WebhookEndpointId, WebhookReplayId};
use crate::events;
use crate::webhooks::endpoints;

/// The most requests of an endpoint at a time.
const MAX_REPLAYS: u16 = 10;
/// How long a call may take that somebody waits for: less than the server's own timeout.
const TEST_LIMIT: Duration = Duration::from_secs(10);

/// Which earlier events are sent again.
#[derive(Debug, Clone)]
pub struct ReplayRequest {
    /// Events from then on; none for all that are kept.
    pub since: Option<DateTime<Utc>>,
    /// Events before then; none for all up to now.
    pub until: Option<DateTime<Utc>>,
    /// Events with such names; empty for all that the endpoint wants.
    pub patterns: Vec<EventPattern>,
    /// Which of them.
    pub selection: Selection,
}

/// Whether a project has such an endpoint.
///
/// # Errors
/// When the database fails.
pub async fn has_endpoint(scope: &ProjectScope, id: WebhookEndpointId) -> Result<bool, db::Error> {
    Ok(endpoints::find(scope, id).await?.is_some())
}

impl Deliveries {
    /// Asks for earlier events to be sent to an endpoint again. They are sent step by step.
    ///
    /// # Errors
    /// [`Error::NoSuchEndpoint`], [`Error::TooManyReplays`], or when the database fails.
    pub async fn replay(
        &self,
        scope: &ProjectScope,
        endpoint: WebhookEndpointId,
        request: ReplayRequest,
    ) -> Result<WebhookReplayId, Error> {
        if !has_endpoint(scope, endpoint).await? {
            return Err(Error::NoSuchEndpoint);
        }
        let now = self.clock().now();
        let ReplayRequest { since, until, patterns, selection } = request;
        let id = WebhookReplayId::new(now);
        let since = since.unwrap_or(DateTime::UNIX_EPOCH);
        let replay = Replay {
            id: id.0,
            position: events::first_since(scope, since).await?,
            until_position: events::sequence(scope).await?.last,
            since,
            until: until.unwrap_or(now),
            patterns,
            selection,
        };
        if !store::insert_replay(scope, endpoint, &replay, now, MAX_REPLAYS).await? {
            return Err(Error::TooManyReplays);
        }
        self.wake(scope.project_id());
        Ok(id)
    }

    /// Sends one event again, to each active endpoint that wants such events. Returns these.
    ///
    /// # Errors
    /// [`Error::NoSuchEvent`], or when the database fails.
    pub async fn resend(&self, scope: &ProjectScope, event: EventId) -> Result<Vec<WebhookEndpointId>, Error> {
        let position = event.position_in(scope.project_id()).ok_or(Error::NoSuchEvent)?;
        let event = events::find(scope, position).await?.ok_or(Error::NoSuchEvent)?;
        let wanted = endpoints::active(scope).await?.into_iter().filter(|endpoint| endpoint.filter().admits(&event));
        let wanted: Vec<_> = wanted.map(|endpoint| endpoint.id).collect();
        let retry = Retry { position, attempts: 0, due_at: self.clock().now() };
        let mut transaction = scope.transaction().await?;
        for endpoint in &wanted {
            store::put_retries(&mut transaction, *endpoint, &[retry]).await?;
        }
        transaction.commit().await?;
        self.wake(scope.project_id());
        Ok(wanted)
    }

    /// Calls an endpoint with an event of its own, once and now, also when it is disabled.
    ///
    /// # Errors
    /// [`Error::NoSuchEndpoint`], when its secrets cannot be opened, or when the database fails.
    pub async fn test(&self, scope: &ProjectScope, id: WebhookEndpointId) -> Result<(EventId, Attempt), Error> {
        let endpoint = endpoints::find(scope, id).await?.ok_or(Error::NoSuchEndpoint)?;
        let now = self.clock().now();
        let target = Target::open(&endpoint, self.keys(), now)?;
        // It has no place in the feed: each test has an id of its own.
        let event = EventId(Builder::from_custom_bytes(rand::rng().random()).into_uuid());
        let kind = EventType::WebhookEndpointTest;
        let body = json!({
            "data": { "id": id },
            "id_connection": null,
            "id_event": event,
            "timestamp": now.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            "type": kind,
        });
        let message = Message {
            position: EventPosition(0),
            id: event,
            kind,
            connection_id: None,
            attempts: 0,
            is_retry: false,
            body: target.body(&body.to_string().into()),
        };
        Ok((event, self.sender().send(&target, &message, TEST_LIMIT).await))
    }
}
