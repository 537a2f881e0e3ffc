//! A page of a list is read.

use serde_json::value::RawValue;
use sqlx::types::Json;

use super::rows::PaymentRow;
use super::select::select_payments;
use crate::accounting::payments::filter::Filter;
use crate::accounting::payments::payment::Payment;
use crate::auth::Scope;
use crate::db;
use crate::domain::{Currency, Text, Warning};
use crate::http::page::{Cursor, Direction, Limit};

/// How many payments a page looks at, whatever passes its filters: so a page costs the same wherever it begins and
/// however many payments there are. Ten thousand rows take some ten milliseconds from memory and, each from a place of
/// its own on a disk, stay within the statement timeout.
pub const MOST_LOOKS: i64 = 10_000;

/// What a look at a list found.
#[derive(Debug)]
pub struct Found {
    /// In the list's order, oldest first.
    pub payments: Vec<Payment>,
    /// Where the list goes on in the direction of reading; `None` at its end.
    pub read_on: Option<Cursor>,
}

/// Reads up to `limit` payments from `cursor` on, the newest before it when it leads backward. Looks at
/// [`MOST_LOOKS`] payments at most; then there may be fewer, and `read_on` leads behind the last that was looked at.
///
/// # Errors
/// When the database fails.
pub async fn page(scope: &Scope, filter: &Filter, cursor: Option<Cursor>, limit: Limit) -> Result<Found, db::Error> {
    let direction = cursor.map_or(Direction::Forward, |cursor| cursor.direction);
    let (mut after, mut before) = filter.places();
    match cursor {
        Some(Cursor { direction: Direction::Forward, id, .. }) => after = after.max(id),
        Some(Cursor { direction: Direction::Backward, id, .. }) => before = before.min(id),
        None => {}
    }
    // One more than asked for tells whether the list goes on.
    let one_more = i64::from(limit.get()) + 1;

    /// Walks along the index on `$key`, which holds the list's order for each of its values, or along the primary key.
    /// Whatever the planner believes of a connection, it cannot walk elsewhere and look at more: the order is asked for
    /// with the key in it, and there is no sorting for lists (`db/connect.rs`).
    macro_rules! walk {
        ($direction:literal: $($key:literal = $value:literal)?) => {
            select_payments!(
                [
                r#"
                select *
                from (
                    select *,
                           ($4::timestamptz is null or created_at > $4)
                           and ($5::timestamptz is null or created_at < $5)
                           and ($6::timestamptz is null or modified_at > $6)
                           and ($7::timestamptz is null or modified_at < $7)
                           and ($8::timestamptz is null or transaction_date > $8)
                           and ($9::timestamptz is null or transaction_date < $9)
                           and ($10::uuid is null or invoice_id = $10)
                           and ($11::uuid is null or contact_id = $11)
                           and ($12::uuid is null or account_id = $12)
                           and ($13::text is null or currency = $13)
                           and ($14::text is null or type = $14)
                           and ($15::text is null or remote_id = $15)
                           and ($16::text is null or idempotency_key = $16) as matches,
                           row_number() over (order by "# $($key $direction ",")? "id" $direction r#") = $17
                           as is_last_look
                    from payment
                    where connection_id = $1 and "# $($key " is not null and")? r#"
                          ("# $($key ",")? "id) > (" $($value ",")? "$2) and
                          (" $($key ",")? "id) < (" $($value ",")? "$3)
                    order by " $($key $direction ",")? "id" $direction r#"
                    limit $17
                ) as looked
                where matches or is_last_look
                order by "# $($key $direction ",")? "id" $direction r#"
                limit $18
                "#]
                ["order by " $($key $direction ",")? "id" $direction],
                scope.connection_id().0,
                after,
                before,
                filter.created_after,
                filter.created_before,
                filter.modified_after,
                filter.modified_before,
                filter.transaction_date_after,
                filter.transaction_date_before,
                filter.invoice_id.map(|id| id.0),
                filter.contact_id.map(|id| id.0),
                filter.account_id.map(|id| id.0),
                filter.currency.map(Currency::code),
                filter.kind.as_ref().map(Text::as_str),
                filter.remote_id.as_ref().map(Text::as_str),
                filter.idempotency_key.as_ref().map(|key| key.as_str()),
                MOST_LOOKS,
                one_more,
            )
        };
    }
    /// In the direction of the cursor.
    macro_rules! walk_along {
        ($work:expr, $($key:tt)*) => {
            match direction {
                Direction::Forward => walk!(" asc ": $($key)*).fetch_all($work).await?,
                Direction::Backward => walk!(" desc ": $($key)*).fetch_all($work).await?,
            }
        };
    }

    let work = &mut scope.begin_list().await?;
    let rows = if filter.idempotency_key.is_some() {
        walk_along!(work, "idempotency_key" = "$16")
    } else if filter.remote_id.is_some() {
        walk_along!(work, "remote_id" = "$15")
    } else if filter.invoice_id.is_some() {
        walk_along!(work, "invoice_id" = "$10")
    } else if filter.contact_id.is_some() {
        walk_along!(work, "contact_id" = "$11")
    } else {
        walk_along!(work,)
    };
    Ok(found(scope, rows, direction, usize::from(limit.get()))?)
}

/// What the rows of a look say, of which one may be more than was asked for.
fn found(scope: &Scope, mut rows: Vec<PaymentRow>, direction: Direction, limit: usize) -> Result<Found, sqlx::Error> {
    let is_full = rows.len() > limit;
    rows.truncate(limit);
    let end = rows.last().filter(|row| is_full || row.is_last_look);
    let read_on = end.map(|row| Cursor { direction, id: row.id, created_at: row.created_at });
    let mut payments = Vec::with_capacity(rows.len());
    for row in rows {
        let matches = row.matches;
        let payment = row.into_payment(scope)?;
        if matches {
            payments.push(payment);
        }
    }
    if direction == Direction::Backward {
        payments.reverse();
    }
    Ok(Found { payments, read_on })
}
