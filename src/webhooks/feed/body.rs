//! The body of an event: the same text in the feed and in each delivery.

use std::collections::HashMap;

use axum::body::Bytes;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::error::Error;
use crate::accounting::{payments, references};
use crate::auth::ProjectScope;
use crate::domain::references::Resource;
use crate::domain::{ConnectionId, EventId, EventType, PaymentId, ReferenceId, canonical, rfc3339};
use crate::events::Event;
use crate::management::connections;
use crate::sync::api::SyncStatus;

/// The most bytes of `data`. Receivers may refuse larger bodies (Standard Webhooks 1.0, "payload size").
const MAX_DATA_BYTES: usize = 20_000;
/// Deeper than any object of this API: custom fields have 64 levels.
const MAX_DEPTH: usize = 80;

/// The members, in the order of their names.
#[derive(Serialize)]
struct Body<'a> {
    data: &'a RawValue,
    id_connection: Option<ConnectionId>,
    id_event: EventId,
    #[serde(serialize_with = "rfc3339::instant")]
    timestamp: chrono::DateTime<chrono::Utc>,
    r#type: EventType,
}

/// In place of an object that is too large.
#[derive(Serialize)]
struct Truncated {
    id: Uuid,
    truncated: bool,
}

/// In place of an object that has no call to read it.
#[derive(Serialize)]
struct Nothing {
    id: Uuid,
}

/// The bodies of events of a project, in the same order: compact JSON, members sorted by name.
///
/// # Errors
/// When the database fails.
pub async fn bodies(scope: &ProjectScope, events: &[Event]) -> Result<Vec<Bytes>, Error> {
    let mut payments = payments_of(scope, events).await?;
    let mut bodies = Vec::with_capacity(events.len());
    for (at, event) in events.iter().enumerate() {
        let data = match payments.remove(&at) {
            Some(data) => data,
            None => other(scope, event).await?,
        };
        bodies.push(body(scope, event, data)?);
    }
    Ok(bodies)
}

fn body(scope: &ProjectScope, event: &Event, data: Option<String>) -> Result<Bytes, Error> {
    let json = |error: &dyn std::fmt::Display| Error::Json(error.to_string());
    let data = match data {
        Some(text) => {
            let raw = RawValue::from_string(text).map_err(|error| json(&error))?;
            canonical(&raw, MAX_DEPTH).map_err(|error| json(&error.detail))?
        }
        None => serde_json::to_string(&Nothing { id: event.object_id }).map_err(|error| json(&error))?,
    };
    let data = if data.len() > MAX_DATA_BYTES {
        to_raw_value(&Truncated { id: event.object_id, truncated: true })
    } else {
        RawValue::from_string(data)
    };
    let body = Body {
        data: &data.map_err(|error| json(&error))?,
        id_connection: event.connection_id,
        id_event: event.id(scope.project_id()),
        timestamp: event.created_at,
        r#type: event.kind,
    };
    Ok(serde_json::to_vec(&body).map_err(|error| json(&error))?.into())
}

/// The payments of events, by the place of the event: a few queries for each connection.
async fn payments_of(scope: &ProjectScope, events: &[Event]) -> Result<HashMap<usize, Option<String>>, Error> {
    let mut wanted = HashMap::<ConnectionId, Vec<(usize, &Event)>>::new();
    for (at, event) in events.iter().enumerate() {
        if let (true, Some(connection)) = (event.kind.as_str().starts_with("accounting.payment."), event.connection_id)
        {
            wanted.entry(connection).or_default().push((at, event));
        }
    }
    let mut found = HashMap::with_capacity(events.len());
    for (connection, wanted) in wanted {
        let ids: Vec<_> =
            wanted.iter().map(|(_, event)| (PaymentId(event.object_id), event.state.as_deref())).collect();
        let texts = payments::snapshots(&scope.connection(connection), &ids).await?;
        found.extend(wanted.iter().map(|(at, _)| *at).zip(texts));
    }
    Ok(found)
}

/// The object of an event that is not about a payment.
async fn other(scope: &ProjectScope, event: &Event) -> Result<Option<String>, Error> {
    let Some(connection) = event.connection_id else { return Ok(None) };
    let name = event.kind.as_str();
    if let Some(rest) = name.strip_prefix("accounting.") {
        let resource = Resource::ALL.iter().find(|resource| rest.split('.').next() == Some(resource.as_str()));
        let Some(resource) = resource else { return Ok(None) };
        return Ok(references::snapshot(&scope.connection(connection), *resource, ReferenceId(event.object_id)).await?);
    }
    let text = if name.starts_with("sync.") {
        serde_json::to_string(&SyncStatus::of(&scope.connection(connection)).await?)
    } else {
        let Some(connection) = connections::view(scope, connection).await? else { return Ok(None) };
        serde_json::to_string(&connection)
    };
    text.map(Some).map_err(|error| Error::Json(error.to_string()))
}
