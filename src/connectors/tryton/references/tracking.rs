//! Tracking categories: analytic accounts (`analytic_account.account`).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Links;
use crate::connectors::json::{or_none, read as read_json, text_or_none};
use crate::connectors::tryton::values::Timestamp;
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::RemoteId;
use crate::domain::references::{Resource, TrackingCategory};

pub const FIELDS: &[&str] = &["_timestamp", "name", "code", "type", "state", "active", "parent", "root.name"];

#[derive(Deserialize)]
struct Record {
    id: i64,
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    #[serde(default, deserialize_with = "text_or_none")]
    name: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    state: Option<String>,
    #[serde(default)]
    active: bool,
    #[serde(default, deserialize_with = "or_none")]
    parent: Option<i64>,
    #[serde(rename = "root.", default, deserialize_with = "or_none")]
    root: Option<Root>,
}

#[derive(Deserialize)]
struct Root {
    #[serde(default, deserialize_with = "text_or_none")]
    name: Option<String>,
}

pub fn read(links: &Links, record: &RawValue) -> Result<RemoteObject, Error> {
    let account: Record = read_json(record.get().as_bytes())?;
    let is_open = account.active && account.state.as_deref() != Some("closed");
    let fields = TrackingCategory {
        name: account.name,
        status: Some(if is_open { "Active" } else { "Archived" }.to_owned()),
        category_type: account.root.and_then(|root| root.name),
        parent_category: account.parent.map(|parent| links.to(Resource::TrackingCategory, parent)),
    };
    Ok(RemoteObject {
        remote_id: RemoteId::from(account.id),
        fields: Fields::TrackingCategory(fields),
        remote_data: record.to_owned(),
        remote_updated_at: account.timestamp.moment(),
    })
}
