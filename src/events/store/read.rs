//! Reads feeds.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use crate::auth::ProjectScope;
use crate::db;
use crate::domain::{ConnectionId, EventPosition};
use crate::events::event::{Event, Filter, Page};

/// The most events that are looked at for one page.
const EXAMINED: i64 = 1_000;
/// By how much an event may have been written before another one that has an earlier position: the longest transaction,
/// and the difference between the clocks of servers.
const DISORDER: TimeDelta = TimeDelta::minutes(15);

struct Row {
    position: i64,
    connection_id: Option<Uuid>,
    kind: String,
    object_id: Uuid,
    state: Option<Json<Box<RawValue>>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Event {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            position: EventPosition(row.position),
            connection_id: row.connection_id.map(ConnectionId),
            kind: row.kind.parse().map_err(db::corrupt_row)?,
            object_id: row.object_id,
            state: row.state.map(|Json(state)| state),
            created_at: row.created_at,
        })
    }
}

/// Reads the events of a project after a position, in order: at most `limit` of those that are wanted, among a bounded
/// number that is looked at. Events without a position yet are not seen; see [`super::sequence()`].
///
/// # Errors
/// When the database fails.
pub async fn read(scope: &ProjectScope, filter: &Filter, after: EventPosition, limit: u16) -> Result<Page, db::Error> {
    // At the end, the reader has passed the events of other connections, too. All up to here are seen by what is read next.
    let end = if filter.connection_id.is_some() { last_position(scope).await? } else { after };
    let mut page = Page { events: Vec::new(), last: after, is_end: false };
    // Who wants every event needs no more rows, and one that shows whether there are more.
    for most in [i64::from(limit) + 1, EXAMINED] {
        let rows = rows(scope, filter.connection_id, page.last, most).await?;
        page.is_end = i64::try_from(rows.len()).is_ok_and(|count| count < most);
        for row in rows {
            if page.events.len() == usize::from(limit) {
                page.is_end = false;
                return Ok(page);
            }
            let event = Event::try_from(row)?;
            page.last = event.position;
            if filter.admits(&event) {
                page.events.push(event);
            }
        }
        if page.is_end {
            page.last = page.last.max(end);
            break;
        }
    }
    Ok(page)
}

/// The events after a position in order, of a project or of one of its connections, at most `most`.
async fn rows(
    scope: &ProjectScope,
    connection: Option<ConnectionId>,
    after: EventPosition,
    most: i64,
) -> Result<Vec<Row>, db::Error> {
    let project = scope.project_id().0;
    let statement = scope.statement().await?;
    let rows = match connection {
        None => {
            let query = sqlx::query_as!(
                Row,
                r#"
                select position, connection_id, type as kind, object_id, state as "state: Json<Box<RawValue>>", created_at
                from event where project_id = $1 and position > $2 order by position limit $3
                "#,
                project,
                after.0,
                most,
            );
            query.fetch_all(statement).await?
        }
        Some(connection) => {
            let query = sqlx::query_as!(
                Row,
                r#"
                select position, connection_id, type as kind, object_id, state as "state: Json<Box<RawValue>>", created_at
                from event where project_id = $1 and connection_id = $2 and position > $3 order by position limit $4
                "#,
                project,
                connection.0,
                after.0,
                most,
            );
            query.fetch_all(statement).await?
        }
    };
    Ok(rows)
}

/// Reads one event; `None` when there is none or it was removed.
///
/// # Errors
/// When the database fails.
pub async fn find(scope: &ProjectScope, position: EventPosition) -> Result<Option<Event>, db::Error> {
    let statement = scope.statement().await?;
    let row = sqlx::query_as!(
        Row,
        r#"
        select position, connection_id, type as kind, object_id, state as "state: Json<Box<RawValue>>", created_at
        from event where project_id = $1 and position = $2
        "#,
        scope.project_id().0,
        position.0,
    )
    .fetch_optional(statement)
    .await?;
    Ok(row.map(Event::try_from).transpose()?)
}

/// The last position that was given; 0 when there is none.
///
/// # Errors
/// When the database fails.
pub async fn last_position(scope: &ProjectScope) -> Result<EventPosition, db::Error> {
    let statement = scope.statement().await?;
    let last = sqlx::query_scalar!("select last_position from event_feed where project_id = $1", scope.project_id().0)
        .fetch_optional(statement)
        .await?;
    Ok(EventPosition(last.unwrap_or(0)))
}

/// Whether events after a position were removed because of their age.
///
/// # Errors
/// When the database fails.
pub async fn is_expired(scope: &ProjectScope, position: EventPosition) -> Result<bool, db::Error> {
    let statement = scope.statement().await?;
    let first = sqlx::query_scalar!(
        r#"
        select coalesce(
            (select position from event where project_id = $1 order by position limit 1),
            (select last_position + 1 from event_feed where project_id = $1),
            1
        ) as "first!"
        "#,
        scope.project_id().0,
    )
    .fetch_one(statement)
    .await?;
    Ok(position.0 + 1 < first)
}

/// A position before every event that was written after `moment`, near the first of them. Positions have nearly the
/// order of time, so it is found by halving.
///
/// # Errors
/// When the database fails.
pub async fn first_since(scope: &ProjectScope, moment: DateTime<Utc>) -> Result<EventPosition, db::Error> {
    let moment = moment - DISORDER;
    let (mut before, mut end) = (0, last_position(scope).await?.0 + 1);
    while end - before > 1 {
        let middle = before + (end - before) / 2;
        let statement = scope.statement().await?;
        let created_at = sqlx::query_scalar!(
            "select created_at from event where project_id = $1 and position >= $2 order by position limit 1",
            scope.project_id().0,
            middle,
        )
        .fetch_optional(statement)
        .await?;
        if created_at.is_some_and(|created_at| created_at < moment) { before = middle } else { end = middle }
    }
    Ok(EventPosition(before))
}
