//! Gives positions to what is committed on a distributed database.
//!
//! The outbox is distributed by connection, and the feeds by project. Citus runs no statement that changes both.
//!
//! Each node has numbers of its own for `sequence`, so rows are taken in the order of their times. A change that began
//! after another one of its connection has the later time, unless the clocks of two machines differ by more than the
//! first change took.

use crate::auth::ProjectTransaction;
use crate::db;
use crate::domain::EventPosition;
use crate::events::event::Sequenced;

/// Moves at most `limit` rows of the outbox of a project into its feed, whose row is locked.
///
/// # Errors
/// When the database fails.
pub(super) async fn step(transaction: &mut ProjectTransaction, limit: i64) -> Result<Sequenced, db::Error> {
    let project = transaction.project_id().0;
    // Read once, because what is committed meanwhile may come before them.
    let taken = sqlx::query!(
        r#"
        select sequence, connection_id, cardinality(objects) as "events!"
        from event_outbox where project_id = $1
        order by created_at, sequence, connection_id limit $2
        "#,
        project,
        limit,
    )
    .fetch_all(transaction.executor())
    .await?;
    let (sequences, connections): (Vec<_>, Vec<_>) = taken.iter().map(|row| (row.sequence, row.connection_id)).unzip();
    let events: i64 = taken.iter().map(|row| i64::from(row.events)).sum();
    let last = sqlx::query_scalar!(
        "update event_feed set last_position = last_position + $2 where project_id = $1 returning last_position",
        project,
        events,
    )
    .fetch_one(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    sqlx::query!(
        "
        insert into event (project_id, position, connection_id, type, object_id, state, created_at)
        select project_id, $2 + row_number() over (order by created_at, sequence, connection_id, number),
               connection_id, type, object.id, state, created_at
        from (
            select * from event_outbox where project_id = $1 and connection_id = any ($4)
                and (sequence, connection_id) in (select * from unnest($3::bigint[], $4::uuid[]))
        ) as taken, unnest(objects) with ordinality as object (id, number)
        ",
        project,
        last - events,
        &sequences,
        &connections,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    sqlx::query!(
        "
        delete from event_outbox where project_id = $1 and connection_id = any ($3)
            and (sequence, connection_id) in (select * from unnest($2::bigint[], $3::uuid[]))
        ",
        project,
        &sequences,
        &connections,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    sqlx::query!("select pg_notify('unibooks_events', $1::text)", project.to_string())
        .execute(transaction.executor())
        .await
        .map_err(db::Error::of_write)?;
    Ok(Sequenced { last: EventPosition(last), has_more: i64::try_from(taken.len()).is_ok_and(|taken| taken == limit) })
}
