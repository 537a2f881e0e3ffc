//! Turns requests to send earlier events again into retries, step by step.

use chrono::{DateTime, Utc};

use super::error::Error;
use super::store::{self, Retry};
use crate::auth::ProjectScope;
use crate::events::{self, Event, Filter};
use crate::webhooks::endpoints::Endpoint;

/// The most open retries of an endpoint with which it gets later events, too. What it does not get waits in the feed.
pub const MAX_RETRIES: u16 = 100;

/// Looks at the next events of the oldest request of an endpoint, and makes those that are meant due at once. Returns
/// whether there was a request.
///
/// # Errors
/// When the database fails.
pub async fn extend(scope: &ProjectScope, endpoint: &Endpoint, now: DateTime<Utc>) -> Result<bool, Error> {
    let Some(replay) = store::next_replay(scope, endpoint.id).await? else { return Ok(false) };
    let filter = Filter {
        connection_id: endpoint.connection_id,
        patterns: replay.patterns.clone(),
        created_after: Some(replay.since),
    };
    let page = events::read(scope, &filter, replay.position, MAX_RETRIES).await?;
    let is_end = page.is_end || page.last >= replay.until_position;
    // The endpoint's own choice of events holds, too.
    let wanted = endpoint.filter();
    let is_meant = |event: &Event| {
        event.position <= replay.until_position && event.created_at < replay.until && wanted.admits(event)
    };
    let positions: Vec<_> = page.events.iter().filter(|event| is_meant(event)).map(|event| event.position).collect();
    let numbers: Vec<_> = positions.iter().map(|position| position.0).collect();
    let attempted = store::attempted(scope, endpoint.id, &numbers).await?;
    let selected =
        positions.into_iter().filter(|position| replay.selection.includes(attempted.get(&position.0).copied()));
    let retries: Vec<_> = selected.map(|position| Retry { position, attempts: 0, due_at: now }).collect();
    let mut transaction = scope.transaction().await?;
    if store::advance(&mut transaction, endpoint.id, &replay, page.last).await? {
        store::put_retries(&mut transaction, endpoint.id, &retries).await?;
        if is_end {
            store::finish(&mut transaction, endpoint.id, &replay).await?;
        }
        transaction.commit().await?;
    }
    Ok(true)
}
