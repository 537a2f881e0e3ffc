//! Accounting periods (`account.period`).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Links;
use crate::connectors::json::{or_none, read as read_json, text_or_none};
use crate::connectors::tryton::values::{Date, Timestamp};
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::RemoteId;
use crate::domain::references::{AccountingPeriod, PeriodStatus};

pub const FIELDS: &[&str] = &["_timestamp", "name", "start_date", "end_date", "state", "type", "fiscalyear"];

#[derive(Deserialize)]
struct Record {
    id: i64,
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    #[serde(default, deserialize_with = "text_or_none")]
    name: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    state: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    start_date: Option<Date>,
    #[serde(default, deserialize_with = "or_none")]
    end_date: Option<Date>,
}

pub fn read(_: &Links, record: &RawValue) -> Result<RemoteObject, Error> {
    let period: Record = read_json(record.get().as_bytes())?;
    let status = match period.state.as_deref() {
        Some("open") => Some(PeriodStatus::Open),
        // Locked is closed for good.
        Some("closed" | "close" | "locked") => Some(PeriodStatus::Closed),
        _ => None,
    };
    let fields = AccountingPeriod {
        name: period.name,
        status,
        start_date: period.start_date.and_then(|date| date.accounting()),
        end_date: period.end_date.and_then(|date| date.accounting()),
    };
    Ok(RemoteObject {
        remote_id: RemoteId::from(period.id),
        fields: Fields::AccountingPeriod(fields),
        remote_data: record.to_owned(),
        remote_updated_at: period.timestamp.moment(),
    })
}
