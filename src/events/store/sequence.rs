//! Gives positions to what is committed.

use super::sequence_on_nodes::step;
use crate::auth::ProjectScope;
use crate::db;
use crate::domain::EventPosition;
use crate::events::event::Sequenced;

/// The most rows of the outbox that get positions in one transaction. A row holds at most a batch of payments.
const STEP: i64 = 256;

/// Moves committed changes of a project from the outbox into its feed: one bounded step, all or nothing.
///
/// Rows leave the outbox as fast as they come, and what is left of them fills the table until it is vacuumed. So the
/// outbox is read along its index, which skips them, and rows are deleted at the places where they were found. Postgres
/// may not choose another plan: it keeps a plan that it made while the outbox was empty.
///
/// The row of the feed is locked meanwhile, so only one server at a time gives positions. The lock is taken by a
/// statement of its own: the next one sees all that the last holder has committed.
///
/// # Errors
/// When the database fails.
pub async fn sequence(scope: &ProjectScope) -> Result<Sequenced, db::Error> {
    let project = scope.project_id().0;
    let statement = scope.statement().await?;
    let feed = sqlx::query!(
        r#"
        select coalesce((select last_position from event_feed where project_id = $1), 0) as "last!",
               (select sequence from event_outbox where project_id = $1 order by sequence limit 1) is not null
                   as "has_more!"
        "#,
        project,
    )
    .fetch_one(statement)
    .await?;
    if !feed.has_more {
        return Ok(Sequenced { last: EventPosition(feed.last), has_more: false });
    }
    let mut transaction = scope.transaction().await?;
    sqlx::query!(
        "insert into event_feed (project_id, last_position) values ($1, 0)
         on conflict (project_id) do update set last_position = event_feed.last_position",
        project,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    if scope.is_distributed() {
        let sequenced = step(&mut transaction, STEP).await?;
        transaction.commit().await?;
        return Ok(sequenced);
    }
    sqlx::query_scalar!("select set_config('enable_seqscan', 'off', true)").fetch_one(transaction.executor()).await?;
    let step = sqlx::query!(
        r#"
        with taken as (
            delete from event_outbox
            where project_id = $1 and ctid = any (array(
                select ctid from event_outbox where project_id = $1 order by sequence, connection_id limit $2
            ))
            returning sequence, connection_id, type, objects, state, created_at
        ),
        numbered as (
            select connection_id, type, object.id as object_id, state, created_at,
                   row_number() over (order by taken.sequence, taken.connection_id, object.number) as number
            from taken, unnest(taken.objects) with ordinality as object (id, number)
        ),
        feed as (
            update event_feed set last_position = last_position + (select count(*) from numbered)
            where project_id = $1
            returning last_position, last_position - (select count(*) from numbered) as before
        ),
        events as (
            insert into event (project_id, position, connection_id, type, object_id, state, created_at)
            select $1, feed.before + numbered.number, numbered.connection_id, numbered.type, numbered.object_id,
                   numbered.state, numbered.created_at
            from numbered, feed
        )
        select last_position, (select count(*) from taken) as "taken!",
               pg_notify('unibooks_events', $1::text) is null as "is_announced!"
        from feed
        "#,
        project,
        STEP,
    )
    .fetch_one(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    transaction.commit().await?;
    let last = EventPosition(step.last_position);
    Ok(Sequenced { last, has_more: step.taken == STEP })
}
