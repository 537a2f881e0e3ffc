//! The statement that scans a list: along one index, a bounded number of objects.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::types::Json;

use super::rows::ReferenceRow;
use crate::accounting::references::Filter;
use crate::accounting::references::range::Index;
use crate::auth::Scope;
use crate::db;
use crate::domain::page::{Between, Direction};
use crate::domain::references::Resource;

/// The most objects that a page scans, however few of them match. A page therefore costs the same at every place and
/// however many objects there are.
pub const SCAN_LIMIT: i64 = 10_000;

/// The most bytes of members and records that a page holds, unless its first object alone is larger.
const PAGE_BYTES: i64 = 1_048_576;

/// What a list is about.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The resource.
    pub resource: Resource,
    /// The filters that all resources have.
    pub filter: &'a Filter,
    /// Members with the values that they must have. A value that is no text is compared by its JSON.
    pub members: &'a Map<String, Value>,
    /// Whether the software's own records are read.
    pub remote_data: bool,
}

/// Reads at most `most` rows of a range of an index: those that pass the filters, and the last that was scanned. Those
/// that are too many for [`PAGE_BYTES`] come without their members. Range and order name one index with all its columns,
/// and lists never sort (`db/database.rs`): Postgres is left with only that index, so wrong statistics cannot make it
/// read more rows.
#[expect(clippy::too_many_lines, reason = "most of them are one statement, whose parameters are this function's own")]
pub(super) async fn scan(
    scope: &Scope,
    wanted: Wanted<'_>,
    index: Index,
    between: Between<DateTime<Utc>>,
    direction: Direction,
    most: i64,
) -> Result<Vec<ReferenceRow>, db::Error> {
    let Wanted { resource, filter, members, remote_data } = wanted;
    let Between { after, before } = between;
    let member = |name: &str| members.get(name).and_then(Value::as_str);
    let statement = scope.list_statement().await?;

    /// Scans `$range` in the direction of reading.
    macro_rules! scan {
        ($range:literal, [$ascending:literal, $descending:literal] $(, $key:expr)*) => {
            match direction {
                Direction::Forward => scan!($range, $ascending $(, $key)*),
                Direction::Backward => scan!($range, $descending $(, $key)*),
            }
        };
        ($range:literal, $order:literal $(, $key:expr)*) => {
            sqlx::query_as!(
                ReferenceRow,
                r#"
                select connection_id, id, remote_id, case when fits then fields end as "fields: _",
                       case when fits and $12 then remote_data else 'null' end as "remote_data!: _",
                       remote_updated_at, remote_was_deleted, created_at, modified_at, matches as "matches!",
                       is_scan_end as "is_scan_end!"
                from (
                    select *,
                           row_number() over (order by "# + $order + r#") = 1
                           or sum(octet_length(fields::text)
                                  + case when $12 then octet_length(remote_data::text) else 0 end)
                              over (order by "# + $order + r#" rows unbounded preceding) <= $13::bigint as fits
                    from (
                        select *
                        from (
                            select *,
                                   coalesce(
                                       ($7::timestamptz is null or modified_at > $7)
                                       and ($8::timestamptz is null or modified_at < $8)
                                       and ($9::timestamptz is null or remote_updated_at > $9)
                                       and not exists (
                                           select from json_each_text($10::json) as wanted
                                           where fields ->> wanted.key is distinct from wanted.value
                                       ),
                                       false) as matches,
                                   row_number() over (order by "# + $order + r#") = $11 as is_scan_end
                            from reference
                            where connection_id = $1 and resource = $2 and "# + $range + r#"
                            order by "# + $order + r#"
                            limit $11
                        ) as scanned
                        where matches or is_scan_end
                        order by "# + $order + r#"
                        limit $14
                    ) as chosen
                ) as sized
                order by "# + $order,
                scope.connection_id().0,
                resource.as_str(),
                after.0,
                after.1,
                before.0,
                before.1,
                filter.modified_after,
                filter.modified_before,
                filter.remote_updated_after,
                Json(members) as _,
                SCAN_LIMIT,
                remote_data,
                PAGE_BYTES,
                most
                $(, $key)*
            )
            .fetch_all(statement)
            .await?
        };
    }

    Ok(match index {
        Index::Id(id) => scan!(
            "id = $15 and (created_at, id) > ($3, $4) and (created_at, id) < ($5, $6)",
            ["id asc", "id desc"],
            id.0
        ),
        Index::ModifiedAt => scan!(
            "(modified_at, id) > ($3, $4) and (modified_at, id) < ($5, $6)",
            ["modified_at asc, id asc", "modified_at desc, id desc"]
        ),
        Index::CreatedAt => scan!(
            "(created_at, id) > ($3, $4) and (created_at, id) < ($5, $6)",
            ["created_at asc, id asc", "created_at desc, id desc"]
        ),
        Index::Status => scan!(
            "resource = 'invoice' and (fields ->> 'status', created_at, id) > ($15, $3, $4)
             and (fields ->> 'status', created_at, id) < ($15, $5, $6)",
            ["fields ->> 'status' asc, created_at asc, id asc", "fields ->> 'status' desc, created_at desc, id desc"],
            member("status")
        ),
        Index::Contact => scan!(
            "resource = 'invoice' and (fields ->> 'contact_id', created_at, id) > ($15, $3, $4)
             and (fields ->> 'contact_id', created_at, id) < ($15, $5, $6)",
            [
                "fields ->> 'contact_id' asc, created_at asc, id asc",
                "fields ->> 'contact_id' desc, created_at desc, id desc"
            ],
            member("contact_id")
        ),
        // The index holds the beginning of a number, because an entry has a largest size.
        Index::Number => scan!(
            "resource = 'invoice' and (left(fields ->> 'number', 100), created_at, id) > (left($15, 100), $3, $4)
             and (left(fields ->> 'number', 100), created_at, id) < (left($15, 100), $5, $6)",
            [
                "left(fields ->> 'number', 100) asc, created_at asc, id asc",
                "left(fields ->> 'number', 100) desc, created_at desc, id desc"
            ],
            member("number")
        ),
    })
}
