//! The statement that scans a list: along one index, a bounded number of payments.

use super::budget::Budget;
use super::rows::PaymentRow;
use crate::accounting::payments::bounds::{Dates, Moments, Range};
use crate::accounting::payments::filter::Filter;
use crate::auth::Scope;
use crate::db;
use crate::domain::page::Direction;
use crate::domain::{Currency, FreeText, RemoteStatus};

/// The most payments that a page scans, however few of them match. A page therefore costs the same wherever it begins and
/// however many payments there are. Ten thousand rows take some ten milliseconds from memory. Even when each is read from
/// another block of a disk, they stay within the statement timeout.
pub const SCAN_LIMIT: i64 = 10_000;

/// Reads at most `most` rows of `range`: those that pass the filter, and the last that was scanned. Of payments that
/// are larger than `share` it reads only a part ([`PaymentRow::is_partial`]). Range and order name one index with all its
/// columns, and lists never sort (`db/database.rs`): Postgres is left with only that index, so wrong statistics cannot
/// make it read more rows.
#[expect(clippy::too_many_lines, reason = "half of them are one statement, whose parameters are this function's own")]
pub(super) async fn scan(
    scope: &Scope,
    filter: &Filter,
    range: Range,
    direction: Direction,
    most: i64,
    share: Budget,
) -> Result<Vec<PaymentRow>, db::Error> {
    let Moments { from: created_from, until: created_until } = filter.created();
    let Moments { from: modified_from, until: modified_until } = filter.modified();
    let Moments { from: transaction_from, until: transaction_until } = filter.transaction_moments();
    let Dates { first: first_date, last: last_date } = filter.transaction_dates();
    let statement = scope.list_statement().await?;

    /// Scans `$range` in the direction of reading. As Postgres sees it, by accounting date and without most columns and
    /// filters:
    ///
    /// ```sql
    /// select id, …, case when line_items is not null then warnings end as warnings, line_items, matches, is_scan_end
    /// from (
    ///     select *
    ///     from (
    ///         select *, coalesce(($4::timestamptz is null or created_at >= $4) and …, false) as matches,
    ///                row_number() over (order by accounting_date asc, id asc) = $17 as is_scan_end
    ///         from (
    ///             select *, (transaction_date …)::date as accounting_date from payment where connection_id = $1
    ///         ) as payment
    ///         where transaction_date is not null
    ///               and (accounting_date, id) > ($24, $2) and (accounting_date, id) < ($25, $3)
    ///         order by accounting_date asc, id asc
    ///         limit $17
    ///     ) as scanned
    ///     where matches or is_scan_end
    ///     order by accounting_date asc, id asc
    ///     limit $18
    /// ) as chosen
    /// cross join lateral (select octet_length(warnings::text) + … as json_bytes) as measured
    /// left join lateral (
    ///     select coalesce(array_agg(line_item), '{}') as line_items
    ///     from (
    ///         select json_build_array(name, …) as line_item, octet_length(name) + … as text_bytes
    ///         from payment_line_item
    ///         where connection_id = $1 and payment_id = chosen.id
    ///         order by position
    ///         limit $21
    ///     ) as item
    ///     having count(*) < $21 and coalesce(sum(text_bytes), 0) + json_bytes <= $22
    /// ) as items on true
    /// order by accounting_date asc, id asc
    /// ```
    macro_rules! scan {
        ($between:expr, $range:literal, [$ascending:literal, $descending:literal] $(, $key:expr)*) => {
            match direction {
                Direction::Forward => scan!($between, $range, $ascending $(, $key)*),
                Direction::Backward => scan!($between, $range, $descending $(, $key)*),
            }
        };
        ($between:expr, $range:literal, $order:literal $(, $key:expr)*) => {
            sqlx::query_as!(
                PaymentRow,
                r#"
                select connection_id, id, created_at, modified_at, invoice_id, transaction_date,
                       transaction_offset_minutes, contact_id, account_id, currency, exchange_rate, total_amount,
                       type as kind, company_info_id, accounting_period_id, tracking_categories,
                       case when line_items is not null then field_mappings end as "field_mappings: _",
                       remote_id, remote_updated_at, remote_status,
                       case when line_items is not null then remote_data end as "remote_data: _",
                       case when line_items is not null then warnings end as "warnings: _",
                       request_digest, line_items as "line_items: _",
                       matches as "matches!", is_scan_end as "is_scan_end!"
                from (
                    select *
                    from (
                        select *,
                               coalesce(
                                   ($4::timestamptz is null or created_at >= $4)
                                   and ($5::timestamptz is null or created_at < $5)
                                   and ($6::timestamptz is null or modified_at >= $6)
                                   and ($7::timestamptz is null or modified_at < $7)
                                   and ($8::timestamptz is null or transaction_date >= $8)
                                   and ($9::timestamptz is null or transaction_date < $9)
                                   and ($10::uuid is null or invoice_id = $10)
                                   and ($11::uuid is null or contact_id = $11)
                                   and ($12::uuid is null or account_id = $12)
                                   and ($13::text is null or currency = $13)
                                   and ($14::text is null or type = $14)
                                   and ($15::text is null or remote_id = $15)
                                   and ($16::text is null or idempotency_key = $16)
                                   and ($19::date is null or accounting_date >= $19)
                                   and ($20::date is null or accounting_date <= $20)
                                   and ($23::text is null or coalesce(remote_status, 'none') = $23),
                                   false) as matches,
                               row_number() over (order by "# + $order + r#") = $17 as is_scan_end
                        from (
                            select *,
                                   ((transaction_date at time zone 'UTC')
                                    + transaction_offset_minutes * interval '1 minute')::date as accounting_date
                            from payment
                            where connection_id = $1
                        ) as payment
                        where "# + $range + r#"
                        order by "# + $order + r#"
                        limit $17
                    ) as scanned
                    where matches or is_scan_end
                    order by "# + $order + r#"
                    limit $18
                ) as chosen
                cross join lateral (
                    select coalesce(octet_length(field_mappings::text), 0)
                           + coalesce(octet_length(remote_data::text), 0)
                           + coalesce(octet_length(warnings::text), 0) as json_bytes
                ) as measured
                left join lateral (
                    select coalesce(array_agg(line_item), '{}') as line_items
                    from (
                        select json_build_array(name, value, type, parent_item, remote_id, remote_generated_at,
                                                company_info_id, created_at, modified_at, applied_amount, applied_date,
                                                applied_offset_minutes, related_object_id, related_object_type)
                                   as line_item,
                               coalesce(octet_length(name), 0) + coalesce(octet_length(type), 0)
                               + coalesce(octet_length(parent_item), 0) + coalesce(octet_length(remote_id), 0)
                               + coalesce(octet_length(related_object_type), 0) as text_bytes
                        from payment_line_item
                        where connection_id = $1 and payment_id = chosen.id
                        order by position
                        limit $21
                    ) as item
                    having count(*) < $21 and coalesce(sum(text_bytes), 0) + json_bytes <= $22
                ) as items on true
                order by "# + $order,
                scope.connection_id().0,
                $between.after.1,
                $between.before.1,
                created_from,
                created_until,
                modified_from,
                modified_until,
                transaction_from,
                transaction_until,
                filter.invoice_id.map(|id| id.0),
                filter.contact_id.map(|id| id.0),
                filter.account_id.map(|id| id.0),
                filter.currency.map(Currency::code),
                filter.kind.as_ref().map(FreeText::as_str),
                filter.remote_id.as_ref().map(FreeText::as_str),
                filter.idempotency_key.as_ref().map(|key| key.as_str()),
                SCAN_LIMIT,
                most,
                first_date,
                last_date,
                share.line_items + 1,
                share.text_bytes,
                filter.remote_status.map(RemoteStatus::as_str)
                $(, $key)*
            )
            .fetch_all(statement)
            .await?
        };
    }

    Ok(match range {
        Range::Ids(ids) if filter.idempotency_key.is_some() => scan!(
            ids,
            "idempotency_key is not null and (idempotency_key, id) > ($16, $2) and (idempotency_key, id) < ($16, $3)",
            ["idempotency_key asc, id asc", "idempotency_key desc, id desc"]
        ),
        Range::Ids(ids) if filter.remote_id.is_some() => scan!(
            ids,
            "remote_id is not null and (remote_id, id) > ($15, $2) and (remote_id, id) < ($15, $3)",
            ["remote_id asc, id asc", "remote_id desc, id desc"]
        ),
        Range::Ids(ids) if filter.invoice_id.is_some() => scan!(
            ids,
            "invoice_id is not null and (invoice_id, id) > ($10, $2) and (invoice_id, id) < ($10, $3)",
            ["invoice_id asc, id asc", "invoice_id desc, id desc"]
        ),
        Range::Ids(ids) if filter.contact_id.is_some() => scan!(
            ids,
            "contact_id is not null and (contact_id, id) > ($11, $2) and (contact_id, id) < ($11, $3)",
            ["contact_id asc, id asc", "contact_id desc, id desc"]
        ),
        Range::Ids(ids) if filter.remote_status.is_some_and(|status| status != RemoteStatus::None) => scan!(
            ids,
            "remote_status is not null and (remote_status, id) > ($23, $2) and (remote_status, id) < ($23, $3)",
            ["remote_status asc, id asc", "remote_status desc, id desc"]
        ),
        Range::Ids(ids) => scan!(ids, "(id) > ($2) and (id) < ($3)", ["id asc", "id desc"]),
        Range::AccountingDates(dates) => scan!(
            dates,
            "transaction_date is not null
             and (accounting_date, id) > ($24, $2) and (accounting_date, id) < ($25, $3)",
            ["accounting_date asc, id asc", "accounting_date desc, id desc"],
            dates.after.0,
            dates.before.0
        ),
        Range::ModifiedAt(times) => scan!(
            times,
            "(modified_at, id) > ($24, $2) and (modified_at, id) < ($25, $3)",
            ["modified_at asc, id asc", "modified_at desc, id desc"],
            times.after.0,
            times.before.0
        ),
    })
}
