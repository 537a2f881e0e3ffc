//! The index of a list, and its range that can hold matches.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Filter;
use crate::domain::page::{Between, Cursor, Sort, SortKey};
use crate::domain::references::Resource;
use crate::domain::{ConnectionId, ReferenceId};

/// The index that serves a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// The primary key: the id is made of the remote id, so at most one object has it.
    Id(ReferenceId),
    /// All objects by `modified_at`.
    ModifiedAt,
    /// The invoices of a number, by creation.
    Number,
    /// The invoices of a contact, by creation.
    Contact,
    /// The invoices of a status, by creation.
    Status,
    /// All objects by creation.
    CreatedAt,
}

impl Index {
    /// The index for these filters. The first that selects most is taken.
    pub fn of(connection: ConnectionId, resource: Resource, filter: &Filter, members: &Map<String, Value>) -> Self {
        let names_member = |name| resource == Resource::Invoice && members.contains_key(name);
        if let Some(remote_id) = &filter.remote_id {
            Self::Id(resource.id(connection, remote_id))
        } else if filter.modified_after.is_some() || filter.modified_before.is_some() {
            Self::ModifiedAt
        } else if names_member("number") {
            Self::Number
        } else if names_member("contact_id") {
            Self::Contact
        } else if names_member("status") {
            Self::Status
        } else {
            Self::CreatedAt
        }
    }

    /// What the list is sorted by.
    pub fn sort(self) -> Sort {
        if self == Self::ModifiedAt { Sort::ModifiedAt } else { Sort::Id }
    }

    /// The sort key of an object in the cursors of the list.
    pub fn key(self, created_at: DateTime<Utc>, modified_at: DateTime<Utc>) -> SortKey {
        if self == Self::ModifiedAt { SortKey::ModifiedAt(modified_at) } else { SortKey::CreatedAt(created_at) }
    }

    /// The times with ids between which the list's objects are, from the cursor on.
    pub fn between(self, filter: &Filter, cursor: Option<Cursor>) -> Between<DateTime<Utc>> {
        let year = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN).and_utc();
        let (after, before) = match self {
            Self::ModifiedAt => (filter.modified_after, filter.modified_before),
            _ => (None, None),
        };
        let between = Between {
            // No id is greater: an object of this very moment does not come after it.
            after: (after.unwrap_or_else(|| year(1)), Uuid::max()),
            before: (before.unwrap_or_else(|| year(10_000)), Uuid::nil()),
        };
        between.starting_at(cursor, |key| match key {
            SortKey::CreatedAt(time) | SortKey::ModifiedAt(time) => time,
            SortKey::AccountingDate(date) => date.and_time(NaiveTime::MIN).and_utc(),
        })
    }
}
