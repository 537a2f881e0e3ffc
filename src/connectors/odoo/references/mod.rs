//! The objects that payments refer to.
//!
//! Odoo's times of change have whole seconds and are those of the start of a transaction, so one that ends late, or two
//! within a second, cannot be seen in them. A stamp that is younger than [`UNSETTLED`] therefore holds the time of
//! reading too: it differs at the next reading, and the object is read once more.

mod accounts;
mod company;
mod contacts;
mod invoices;
mod tracking;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::value::{Link, Maybe, Number, moment};
use super::{Books, read_record};
use crate::connectors::json::{fingerprint, with_member};
use crate::connectors::{Error, KeyPage, RemoteKey, RemoteObject};
use crate::domain::references::Resource;
use crate::domain::{ReferenceId, RemoteId};

/// The most keys of a page.
pub const PAGE: usize = 200;

/// The longest transaction that is waited for. Odoo ends a request after two minutes, imports take longer.
const UNSETTLED: TimeDelta = TimeDelta::minutes(10);

impl Books {
    /// A page of keys.
    pub async fn page_of_keys(&self, resource: Resource, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        let objects = match resource {
            Resource::Invoice => return self.invoice_keys(after).await,
            Resource::Contact => return self.contact_keys(after).await,
            // Odoo has none, only dates until which all is locked.
            Resource::AccountingPeriod => Vec::new(),
            Resource::CompanyInfo | Resource::Account | Resource::TrackingCategory => self.whole(resource).await?,
        };
        // Small tables are read whole, and their content is their stamp: no time of theirs moves at a booking.
        let mut keys: Vec<_> = objects
            .into_iter()
            .map(|object| RemoteKey {
                position: position(&object.remote_id),
                stamp: fingerprint(&object.remote_data),
                remote_id: object.remote_id,
            })
            .filter(|key| after.is_none_or(|after| after.position < key.position))
            .collect();
        keys.sort_by(|a, b| a.position.cmp(&b.position));
        Ok(KeyPage { keys, is_last: true })
    }

    /// Objects by their keys.
    pub async fn read_objects(&self, resource: Resource, keys: &[RemoteKey]) -> Result<Vec<RemoteObject>, Error> {
        let ids: Vec<i64> = keys.iter().filter_map(|key| key.remote_id.as_str().parse().ok()).collect();
        match resource {
            Resource::Invoice => self.invoices(&ids).await,
            Resource::Contact => self.contacts(&ids).await,
            Resource::AccountingPeriod => Ok(Vec::new()),
            Resource::CompanyInfo | Resource::Account | Resource::TrackingCategory => {
                let mut objects = self.whole(resource).await?;
                objects.retain(|object| keys.iter().any(|key| key.remote_id == object.remote_id));
                Ok(objects)
            }
        }
    }

    async fn whole(&self, resource: Resource) -> Result<Vec<RemoteObject>, Error> {
        match resource {
            Resource::CompanyInfo => self.companies().await,
            Resource::Account => self.accounts().await,
            _ => self.tracking_categories().await,
        }
    }

    /// Our id of an object of Odoo.
    fn reference(&self, resource: Resource, id: i64) -> ReferenceId {
        resource.id(self.connection_id, &RemoteId::from(id))
    }

    fn company_reference(&self) -> Option<ReferenceId> {
        self.rpc.company().map(|company| self.reference(Resource::CompanyInfo, company))
    }

    /// A page of records after a key, and Odoo's time of reading.
    pub(super) async fn page<T: serde::de::DeserializeOwned>(
        &self,
        model: &str,
        after: Option<&RemoteKey>,
        mut domain: Vec<Value>,
        fields: &[&str],
    ) -> Result<(Vec<T>, DateTime<Utc>), Error> {
        let last = after.and_then(|after| after.remote_id.as_str().parse::<i64>().ok()).unwrap_or_default();
        domain.insert(0, json!(["id", ">", last]));
        let arguments = json!({"domain": domain, "fields": fields, "order": "id", "limit": PAGE});
        let reply = self.rpc.attempt(model, "search_read", None, arguments).await?;
        let date = reply.date.ok_or_else(|| Error::Protocol("the answer has no date".to_owned()))?;
        let records: Vec<Box<RawValue>> = reply.parse()?;
        let records = records.iter().map(|record| read_record(model, record)).collect::<Result<_, _>>()?;
        Ok((records, date))
    }

    /// For each parent, how many children it has and when the newest changed.
    async fn newest(&self, model: &str, parent: &str, domain: Value) -> Result<HashMap<i64, (u64, String)>, Error> {
        let arguments = json!({"domain": domain, "fields": ["write_date:max"], "groupby": [parent]});
        let groups: Vec<HashMap<String, Value>> = self.rpc.call(model, "read_group", None, arguments).await?;
        let read = |group: &HashMap<String, Value>| {
            let id = group.get(parent)?.get(0)?.as_i64()?;
            let count = group.get(&format!("{parent}_count"))?.as_u64()?;
            Some((id, (count, group.get("write_date")?.as_str()?.to_owned())))
        };
        Ok(groups.iter().filter_map(read).collect())
    }
}

/// A stamp of an object and its parts. It is unsettled while any of these times is young.
pub fn stamp(parts: &[&str], times: &[&str], read_at: DateTime<Utc>) -> String {
    let is_young = |time: &&str| moment(time).is_none_or(|time| time > read_at - UNSETTLED);
    let read_at = times.iter().any(is_young).then(|| read_at.to_rfc3339());
    parts.iter().chain(times).copied().chain(read_at.as_deref()).collect::<Vec<_>>().join("|")
}

/// The order of keys: by number, where the id ends with one.
fn position(id: &RemoteId) -> String {
    let text = id.as_str();
    let (model, number) = text.rsplit_once(',').unwrap_or(("", text));
    format!("{model},{number:0>12}")
}

/// The same record with one more member.
pub fn with(record: &RawValue, name: &str, value: &impl Serialize) -> Result<Box<RawValue>, Error> {
    let value = to_raw_value(value).map_err(|error| Error::Protocol(format!("{name}: {error}")))?;
    Ok(with_member(record, name, &value))
}

/// The rate at which an amount in another currency is in the books. Odoo keeps amounts, so its digits end with theirs.
pub fn booked_rate(in_base: &Number, amount: &Number) -> Option<Decimal> {
    let rate = in_base.decimal()?.abs().checked_div(amount.decimal()?.abs())?;
    (!rate.is_zero()).then(|| rate.round_dp(10).normalize())
}

/// `Active` or `Archived`.
fn status(is_active: bool) -> String {
    if is_active { "Active" } else { "Archived" }.to_owned()
}

/// The id that a link leads to.
fn linked(link: &Maybe<Link>) -> Option<i64> {
    link.0.as_ref().map(|link| link.id)
}

/// A key of a numbered record.
pub fn key(id: i64, stamp: String) -> RemoteKey {
    let remote_id = RemoteId::from(id);
    RemoteKey { position: position(&remote_id), remote_id, stamp }
}

/// The members that all records have.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    write_date: Maybe<String>,
}

fn updated_at(record: &RawValue) -> Option<DateTime<Utc>> {
    let written: Written = serde_json::from_str(record.get()).ok()?;
    written.write_date.0.as_deref().and_then(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn young_stamp_differs_at_the_next_reading() {
        let at = |text: &str| moment(text).expect(text);
        let (first, later) = (at("2026-11-26 10:00:00"), at("2026-11-26 11:00:00"));
        let old = "2026-11-26 09:00:00";
        assert_eq!(stamp(&["posted"], &[old], first), stamp(&["posted"], &[old], later));
        assert_ne!(stamp(&["posted"], &[old], first), stamp(&["draft"], &[old], first));
        let young = "2026-11-26 09:55:00";
        assert_ne!(stamp(&[], &[young], first), stamp(&[], &[young], later));
        assert_ne!(stamp(&[], &[old, young], first), stamp(&[], &[old, young], later));
    }

    #[test]
    fn positions_are_ordered_by_number() {
        let at = |text: &str| position(&text.parse().expect(text));
        assert!(at("9") < at("10") && at("account.analytic.account,9") < at("account.analytic.account,10"));
    }
}
