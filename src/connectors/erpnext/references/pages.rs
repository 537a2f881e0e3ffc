//! Pages of keys.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::connectors::erpnext::auth::Site;
use crate::connectors::erpnext::id;
use crate::connectors::erpnext::record::Record;
use crate::connectors::{Error, KeyPage, RemoteKey, RemoteObject, json};

/// The most objects that are read at once.
const PAGE: usize = 100;

/// A kind of document that is read page by page.
pub struct Kind {
    pub doctype: &'static str,
    /// What changes when the object changes. `modified` alone is not enough: a new name of a customer changes its
    /// invoices and not their times of change.
    pub stamp: &'static [&'static str],
    /// Which documents; an array of Frappe's filters.
    pub filters: Value,
}

/// A page of the keys of some kinds of documents, the first kind first.
///
/// Names have no order that both sides agree on, because its database sorts them by a language. Times of creation
/// have one: those of one instant are read together and sorted here.
pub async fn by_creation(site: &Site, kinds: &[Kind], after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
    let (at, mut created) = match after {
        None => (0, None),
        Some(key) => read_position(&key.position)
            .ok_or_else(|| Error::Protocol(format!("`{}` is no position of ours", key.position)))?,
    };
    for (number, kind) in kinds.iter().enumerate().skip(at) {
        let (keys, is_last) = page(site, number, kind, created.take()).await?;
        let is_last_kind = number + 1 == kinds.len();
        if !keys.is_empty() || is_last_kind {
            return Ok(KeyPage { keys, is_last: is_last && is_last_kind });
        }
    }
    Ok(KeyPage { keys: Vec::new(), is_last: true })
}

async fn page(site: &Site, number: usize, kind: &Kind, after: Option<String>) -> Result<(Vec<RemoteKey>, bool), Error> {
    let mut rows = list(site, kind, after.map(|created| (">", created)), PAGE + 1).await?;
    let is_last = rows.len() <= PAGE;
    if !is_last {
        // The last instant may go on beyond the page: it comes with the next one, or alone when it fills this one.
        let last = rows.pop().map(|row| row.created).unwrap_or_default();
        if rows.first().is_some_and(|row| row.created == last) {
            rows = list(site, kind, Some(("=", last)), 0).await?;
        } else {
            rows.retain(|row| row.created != last);
        }
    }
    let keys = rows.into_iter().filter_map(|row| {
        let remote_id = id::join(kind.doctype, &row.name)?;
        Some(RemoteKey { remote_id, position: format!("{number} {} {}", row.created, row.name), stamp: row.stamp })
    });
    let mut keys: Vec<_> = keys.collect();
    keys.sort_by(|a, b| a.position.cmp(&b.position));
    Ok((keys, is_last))
}

struct Row {
    name: String,
    /// With six digits of the second, so that texts sort as times do.
    created: String,
    stamp: String,
}

async fn list(site: &Site, kind: &Kind, created: Option<(&str, String)>, limit: usize) -> Result<Vec<Row>, Error> {
    let mut filters = kind.filters.clone();
    if let (Some((comparison, moment)), Value::Array(filters)) = (created, &mut filters) {
        filters.push(json!(["creation", comparison, moment]));
    }
    let fields: Vec<_> = ["name", "creation"].iter().chain(kind.stamp).collect();
    let rows = site.list(json!({
        "doctype": kind.doctype, "fields": fields, "filters": filters, "order_by": "creation asc, name asc",
        "limit_page_length": limit,
    }));
    let read = |row: &RawValue| {
        let record = Record::read(row)?;
        let created = whole(&record.text("creation")?);
        Some(Row { name: record.text("name")?, created, stamp: json::fingerprint(row) })
    };
    Ok(rows.await?.iter().filter_map(|row| read(row)).collect())
}

/// A moment with all six digits of its fraction: Frappe leaves out those of a whole second.
fn whole(moment: &str) -> String {
    let (seconds, fraction) = moment.split_once('.').unwrap_or((moment, ""));
    format!("{seconds}.{fraction:0<6}")
}

fn read_position(position: &str) -> Option<(usize, Option<String>)> {
    let (number, rest) = position.split_once(' ')?;
    // A moment is a day and a time.
    let end = rest.match_indices(' ').nth(1)?.0;
    Some((number.parse().ok()?, Some(rest.get(..end)?.to_owned())))
}

/// A page of the keys of objects that were all read. What they hold is their stamp: it needs no time of change.
pub fn of_all(objects: Vec<RemoteObject>, after: Option<&RemoteKey>) -> KeyPage {
    let keys = objects.into_iter().map(|object| RemoteKey {
        position: object.remote_id.as_str().to_owned(),
        stamp: stamp(&object),
        remote_id: object.remote_id,
    });
    let mut keys: Vec<_> = keys.filter(|key| after.is_none_or(|after| key.position > after.position)).collect();
    keys.sort_by(|a, b| a.position.cmp(&b.position));
    let is_last = keys.len() <= PAGE;
    keys.truncate(PAGE);
    KeyPage { keys, is_last }
}

fn stamp(object: &RemoteObject) -> String {
    let fields = to_raw_value(&object.fields).unwrap_or_default();
    format!("{}{}", json::fingerprint(&fields), json::fingerprint(&object.remote_data))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn position_says_where_its_page_ended() {
        let position = "1 2026-11-26 14:29:26.100000 Acme & Co 7";
        assert_eq!(read_position(position), Some((1, Some("2026-11-26 14:29:26.100000".to_owned()))));
    }

    #[test]
    fn whole_second_sorts_before_its_fractions() {
        assert_eq!(whole("2026-10-01 00:00:01"), "2026-10-01 00:00:01.000000");
        assert!(whole("2026-10-01 00:00:01") < whole("2026-10-01 00:00:01.000001"));
    }

    proptest! {
        #[test]
        fn no_position_panics(position in "\\PC*") {
            let _ = read_position(&position);
        }
    }
}
