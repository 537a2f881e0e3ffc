//! A page of a list is read.

use super::scan::{Wanted, scan};
use crate::accounting::references::Reference;
use crate::accounting::references::range::Index;
use crate::auth::Scope;
use crate::db;
use crate::domain::page::{Cursor, Limit, Order};

/// A page of a list.
#[derive(Debug)]
pub struct ReferencePage {
    /// In the order in which the list is shown.
    pub references: Vec<Reference>,
    /// Where the list continues in the direction of reading; `None` at its end.
    pub next: Option<Cursor>,
}

/// Reads up to `limit` objects from `cursor` on, or from the list's beginning. A page may have fewer although the list
/// continues: it scans [`super::SCAN_LIMIT`] objects at most, and ends before the object that would bring it over a
/// mebibyte. Its first object always comes, however large.
///
/// # Errors
/// When the database fails.
pub async fn page(
    scope: &Scope,
    wanted: Wanted<'_>,
    index: Index,
    order: Order,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<ReferencePage, db::Error> {
    let direction = cursor.map_or(order.direction(), |cursor| cursor.direction);
    let between = index.between(wanted.filter, cursor);
    // One more than asked for shows whether the list continues.
    let mut rows = scan(scope, wanted, index, between, direction, i64::from(limit.get()) + 1).await?;
    let candidates = rows.len();
    rows.truncate(limit.get().into());
    let fitting = rows.iter().take_while(|row| row.fields.is_some()).count();
    rows.truncate(fitting);
    let is_cut = rows.len() < candidates;

    let (mut references, mut next) = (Vec::with_capacity(rows.len()), None);
    for row in rows {
        let (matches, is_scan_end) = (row.matches, row.is_scan_end);
        let reference = row.into_reference(scope)?;
        next = (is_cut || is_scan_end).then(|| Cursor {
            direction,
            id: reference.id.0,
            key: index.key(reference.created_at, reference.modified_at),
        });
        if matches {
            references.push(reference);
        }
    }
    if direction != order.direction() {
        references.reverse();
    }
    Ok(ReferencePage { references, next })
}
