//! A page of a list is read.

use super::budget::{Budget, within_budget};
use super::rows::PaymentRow;
use super::scan::scan;
use crate::accounting::payments::filter::Filter;
use crate::accounting::payments::payment::Payment;
use crate::auth::Scope;
use crate::db;
use crate::domain::OffsetTimestamp;
use crate::domain::page::{Cursor, Direction, Limit, Order, Sort, SortKey};

/// A page of a list.
#[derive(Debug)]
pub struct PaymentPage {
    /// In the order in which the list is shown.
    pub payments: Vec<Payment>,
    /// Where the list continues in the direction of reading; `None` at its end.
    pub next: Option<Cursor>,
}

/// Reads up to `limit` payments from `cursor` on, or from the list's beginning. A page may have fewer although the list
/// continues: it scans [`super::SCAN_LIMIT`] payments at most, and ends before the payment that would bring it over
/// [`Budget::PAGE`]. Its first payment always comes, however large.
///
/// # Errors
/// When the database fails.
pub async fn page(
    scope: &Scope,
    filter: &Filter,
    order: Order,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<PaymentPage, db::Error> {
    let direction = cursor.map_or(order.direction(), |cursor| cursor.direction);
    // One more than asked for shows whether the list continues.
    let one_more = i64::from(limit.get()) + 1;
    let share = Budget::PAGE.share(limit.get().into());
    let mut rows = scan(scope, filter, filter.range(cursor), direction, one_more, share).await?;
    let candidates = rows.len();
    // When no payment is larger than its share, all of them are within the budget.
    if rows.iter().any(PaymentRow::is_partial) {
        rows.truncate(usize::from(limit.get()));
        rows = within_budget(scope, &rows).await?;
    }
    rows.truncate(usize::from(limit.get()));
    let is_cut = rows.len() < candidates;
    let mut page = into_page(scope, rows, direction, filter.sort(), is_cut)?;
    if direction != order.direction() {
        page.payments.reverse();
    }
    Ok(page)
}

/// The page of these rows, in the direction of reading. `is_cut` when the list has rows behind them.
fn into_page(
    scope: &Scope,
    rows: Vec<PaymentRow>,
    direction: Direction,
    sort: Sort,
    is_cut: bool,
) -> Result<PaymentPage, sqlx::Error> {
    let (mut payments, mut next) = (Vec::with_capacity(rows.len()), None);
    for row in rows {
        let (matches, is_scan_end) = (row.matches, row.is_scan_end);
        let payment = row.into_payment(scope)?;
        next = (is_cut || is_scan_end).then(|| Cursor { direction, id: payment.id.0, key: key(&payment, sort) });
        if matches {
            payments.push(payment);
        }
    }
    Ok(PaymentPage { payments, next })
}

/// What the cursor of a list holds of a payment.
fn key(payment: &Payment, sort: Sort) -> SortKey {
    match (sort, payment.data.transaction_date.map(OffsetTimestamp::calendar_date)) {
        (Sort::AccountingDate, Some(date)) => SortKey::AccountingDate(date),
        (Sort::ModifiedAt, _) => SortKey::ModifiedAt(payment.modified_at),
        // A list by accounting date holds no payment without one.
        (Sort::Id | Sort::AccountingDate, _) => SortKey::CreatedAt(payment.created_at),
    }
}
