//! The objects that a pull reads.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::changes::{Change, announce};
use crate::auth::{JobScope, JobTransaction};
use crate::connectors::{RemoteKey, RemoteObject};
use crate::db;
use crate::domain::ReferenceId;
use crate::domain::references::Resource;
use crate::sync::pull::json::without_nul;

/// What is stored of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The place of its key.
    pub position: String,
    /// The software's stamp when it was last read.
    pub stamp: String,
    /// Whether it was gone.
    pub remote_was_deleted: bool,
}

/// Reads what is stored of these objects.
///
/// # Errors
/// When the database fails.
pub async fn known(job: &JobScope, ids: &[ReferenceId]) -> Result<HashMap<ReferenceId, Known>, db::Error> {
    let statement = job.statement().await?;
    let rows = sqlx::query!(
        "
        select id, position, stamp, remote_was_deleted
        from reference
        where connection_id = $1 and id = any ($2)
        ",
        job.connection_id().0,
        &uuids(ids),
    )
    .fetch_all(statement)
    .await?;
    let known = |row: (String, String, bool)| Known { position: row.0, stamp: row.1, remote_was_deleted: row.2 };
    Ok(rows
        .into_iter()
        .map(|row| (ReferenceId(row.id), known((row.position, row.stamp, row.remote_was_deleted))))
        .collect())
}

/// An object that was read, with the key under which it was found.
#[derive(Debug)]
pub struct Read {
    /// Ours.
    pub id: ReferenceId,
    /// The software's. Its stamp is that of the moment before the object was read: what changes in between is read again.
    pub key: RemoteKey,
    /// The object.
    pub object: RemoteObject,
}

/// Stores objects of a resource. `modified_at` moves when their members or their record differ, or when they were gone,
/// and never otherwise. Those that are new and those that changed are announced.
///
/// # Errors
/// When the database fails.
pub async fn upsert(
    transaction: &mut JobTransaction,
    resource: Resource,
    now: DateTime<Utc>,
    objects: &[Read],
) -> Result<(), db::Error> {
    let ids: Vec<_> = objects.iter().map(|read| read.id.0).collect();
    let remote_ids: Vec<_> = objects.iter().map(|read| read.key.remote_id.as_str().to_owned()).collect();
    let positions: Vec<_> = objects.iter().map(|read| read.key.position.clone()).collect();
    let stamps: Vec<_> = objects.iter().map(|read| read.key.stamp.clone()).collect();
    let fields = objects.iter().map(|read| serde_json::to_string(&read.object.fields).map(|json| without_nul(&json)));
    let fields = fields.collect::<Result<Vec<_>, _>>().map_err(|error| sqlx::Error::Encode(error.into()))?;
    let remote_data: Vec<_> = objects.iter().map(|read| without_nul(read.object.remote_data.get())).collect();
    let updated_at: Vec<_> = objects.iter().map(|read| read.object.remote_updated_at).collect();
    let stored = sqlx::query!(
        r#"
        insert into reference (connection_id, id, resource, remote_id, position, stamp, fields, remote_data,
                               remote_updated_at, remote_was_deleted, created_at, modified_at)
        select $1, id, $2, remote_id, position, stamp, fields::json, remote_data::json, updated_at, false, $3, $3
        from unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::timestamptz[])
             as read (id, remote_id, position, stamp, fields, remote_data, updated_at)
        on conflict (connection_id, id) do update
        set position = excluded.position, stamp = excluded.stamp, fields = excluded.fields,
            remote_data = excluded.remote_data, remote_updated_at = excluded.remote_updated_at,
            remote_was_deleted = false,
            modified_at = case
                when reference.remote_was_deleted or reference.fields::text <> excluded.fields::text
                     or reference.remote_data::text <> excluded.remote_data::text
                then excluded.modified_at
                else reference.modified_at
            end
        returning id, created_at, modified_at
        "#,
        transaction.connection_id().0,
        resource.as_str(),
        now,
        &ids,
        &remote_ids,
        &positions,
        &stamps,
        &fields,
        &remote_data,
        &updated_at as &[Option<DateTime<Utc>>],
    )
    .fetch_all(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    // An object that is left as it is has an earlier time.
    let changed = stored.iter().filter(|row| row.modified_at == now);
    let (created, updated): (Vec<_>, Vec<_>) = changed.partition(|row| row.created_at == now);
    for (change, rows) in [(Change::Created, created), (Change::Updated, updated)] {
        announce(transaction, resource, change, &rows.iter().map(|row| row.id).collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// The range of a page of keys: behind one position up to another. Without them it has no end there.
#[derive(Debug, Clone, Copy)]
pub struct Range<'a> {
    /// Excluded.
    pub after: Option<&'a str>,
    /// Included.
    pub until: Option<&'a str>,
}

/// Marks objects as gone whose positions are in `range` and that are not `present`, and announces it: at most `limit` of
/// them, because the software may have lost any number. Returns how many.
///
/// # Errors
/// When the database fails.
pub async fn mark_gone(
    transaction: &mut JobTransaction,
    resource: Resource,
    now: DateTime<Utc>,
    range: Range<'_>,
    present: &[ReferenceId],
    limit: u16,
) -> Result<u64, db::Error> {
    let gone = sqlx::query_scalar!(
        "
        update reference set remote_was_deleted = true, modified_at = $3
        where connection_id = $1 and id = any (array(
            select id from reference
            where connection_id = $1 and resource = $2 and ($4::text is null or position > $4)
                  and ($5::text is null or position <= $5) and not remote_was_deleted and id <> all ($6)
            order by position
            limit $7
        ))
        returning id
        ",
        transaction.connection_id().0,
        resource.as_str(),
        now,
        range.after,
        range.until,
        &uuids(present),
        i64::from(limit),
    )
    .fetch_all(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    announce(transaction, resource, Change::Deleted, &gone).await?;
    Ok(gone.len() as u64)
}

fn uuids(ids: &[ReferenceId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}
