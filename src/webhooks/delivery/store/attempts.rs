//! Calls of endpoints, kept so that people can see what became of an event.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::auth::{ProjectScope, ProjectTransaction};
use crate::db;
use crate::domain::WebhookEndpointId;
use crate::domain::page::{Between, Cursor, Direction, Limit, SortKey};
use crate::webhooks::delivery::attempt::{Attempt, Outcome};

/// A call as it is stored.
#[derive(Debug, Clone)]
pub struct StoredAttempt {
    /// Its id.
    pub id: Uuid,
    /// The event that was sent.
    pub position: i64,
    /// What it is.
    pub kind: String,
    /// Which attempt of the event it was, from 1.
    pub number: i16,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: i32,
    /// The status of the answer.
    pub status: Option<i16>,
    /// The beginning of its body.
    pub answer: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// Stores calls of an endpoint, each under its id.
///
/// # Errors
/// When the database fails.
pub async fn insert_attempts(
    transaction: &mut ProjectTransaction,
    endpoint: WebhookEndpointId,
    attempts: &[(Uuid, Attempt)],
) -> Result<(), db::Error> {
    if attempts.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = attempts.iter().map(|(id, _)| *id).collect();
    let calls = || attempts.iter().map(|(_, attempt)| attempt);
    let positions: Vec<_> = calls().map(|attempt| attempt.position.0).collect();
    let types: Vec<_> = calls().map(|attempt| attempt.kind.as_str().to_owned()).collect();
    let numbers: Vec<_> = calls().map(|attempt| i16::try_from(attempt.number).unwrap_or(i16::MAX)).collect();
    let started_at: Vec<_> = calls().map(|attempt| attempt.started_at).collect();
    let durations: Vec<_> =
        calls().map(|attempt| i32::try_from(attempt.duration.as_millis()).unwrap_or(i32::MAX)).collect();
    let (mut statuses, mut answers, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for attempt in calls() {
        let (status, answer, error) = match &attempt.outcome {
            Outcome::Answered { status, body, .. } => {
                (Some(i16::try_from(status.as_u16()).unwrap_or_default()), Some(body.clone()), None)
            }
            Outcome::Failed(code) => (None, None, Some((*code).to_owned())),
        };
        statuses.push(status);
        answers.push(answer);
        errors.push(error);
    }
    sqlx::query!(
        "
        insert into webhook_attempt (project_id, endpoint_id, id, position, type, number, started_at, duration_ms,
                                     status, answer, error)
        select $1, $2, * from unnest($3::uuid[], $4::bigint[], $5::text[], $6::smallint[], $7::timestamptz[],
                                     $8::integer[], $9::smallint[], $10::text[], $11::text[])
        ",
        transaction.project_id().0,
        endpoint.0,
        &ids,
        &positions,
        &types,
        &numbers,
        &started_at,
        &durations,
        &statuses as &[Option<i16>],
        &answers as &[Option<String>],
        &errors as &[Option<String>],
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Which of these events were sent to an endpoint, and whether one of the calls succeeded.
///
/// # Errors
/// When the database fails.
pub async fn attempted(
    scope: &ProjectScope,
    endpoint: WebhookEndpointId,
    positions: &[i64],
) -> Result<HashMap<i64, bool>, db::Error> {
    let statement = scope.statement().await?;
    let rows = sqlx::query!(
        r#"
        select position, coalesce(bool_or(status between 200 and 299), false) as "is_delivered!" from webhook_attempt
        where project_id = $1 and endpoint_id = $2 and position = any($3)
        group by position
        "#,
        scope.project_id().0,
        endpoint.0,
        positions,
    )
    .fetch_all(statement)
    .await?;
    Ok(rows.into_iter().map(|row| (row.position, row.is_delivered)).collect())
}

/// The calls of an endpoint between two ids, in an order that the index has.
macro_rules! between {
    ($order:literal, $statement:expr, $scope:expr, $endpoint:expr, $after:expr, $before:expr, $limit:expr) => {
        sqlx::query_as!(
            StoredAttempt,
            "
            select id, position, type as kind, number, started_at, duration_ms, status, answer, error
            from webhook_attempt
            where project_id = $1 and endpoint_id = $2 and id > $3 and id < $4
            order by id "
                + $order
                + "
            limit $5
            ",
            $scope.project_id().0,
            $endpoint.0,
            $after,
            $before,
            $limit,
        )
        .fetch_all($statement)
        .await?
    };
}

/// A page of the calls of an endpoint from a cursor on, the latest first, and where the next page begins.
///
/// # Errors
/// When the database fails.
pub async fn attempts(
    scope: &ProjectScope,
    endpoint: WebhookEndpointId,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<(Vec<StoredAttempt>, Option<Cursor>), db::Error> {
    let all = Between { after: ((), Uuid::nil()), before: ((), Uuid::max()) };
    let Between { after: ((), after), before: ((), before) } = all.starting_at(cursor, |_| ());
    let direction = cursor.map_or(Direction::Backward, |cursor| cursor.direction);
    let statement = scope.list_statement().await?;
    let wanted = usize::from(limit.get());
    // One more than a page, to know whether there is another one.
    let with_next = i64::from(limit.get()) + 1;
    let mut rows = match direction {
        Direction::Forward => between!("asc", statement, scope, endpoint, after, before, with_next),
        Direction::Backward => between!("desc", statement, scope, endpoint, after, before, with_next),
    };
    let has_more = rows.len() > wanted;
    rows.truncate(wanted);
    let cursor = |last: &StoredAttempt| Cursor { direction, id: last.id, key: SortKey::CreatedAt(last.started_at) };
    let next = rows.last().filter(|_| has_more).map(cursor);
    if direction == Direction::Forward {
        rows.reverse();
    }
    Ok((rows, next))
}

/// Removes calls of a project with ids before `before`, at most `limit`. Returns how many.
///
/// # Errors
/// When the database fails.
pub async fn remove_attempts(scope: &ProjectScope, before: Uuid, limit: u16) -> Result<u64, db::Error> {
    let statement = scope.statement().await?;
    let removed = sqlx::query!(
        "
        delete from webhook_attempt
        where project_id = $1 and id in (
            select id from webhook_attempt where project_id = $1 and id < $2 order by id limit $3
        )
        ",
        scope.project_id().0,
        before,
        i64::from(limit),
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(removed.rows_affected())
}
