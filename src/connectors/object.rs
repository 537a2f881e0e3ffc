//! Objects of the accounting software as they are read.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::RemoteId;
use crate::domain::references::{Account, AccountingPeriod, CompanyInfo, Contact, Invoice, TrackingCategory};

/// The key of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteKey {
    /// Its id in the software.
    pub remote_id: RemoteId,
    /// The order of the keys, compared byte by byte: a number has leading zeros.
    pub position: String,
    /// Changes whenever the object may have changed. It is compared with the one before and never ordered, because the
    /// software's times of change come late and out of order.
    pub stamp: String,
}

/// A page of keys.
#[derive(Debug, Clone)]
pub struct KeyPage {
    /// In ascending order of their positions, and all of them after the key that was asked from.
    pub keys: Vec<RemoteKey>,
    /// Whether no keys follow.
    pub is_last: bool,
}

/// An object.
#[derive(Debug, Clone)]
pub struct RemoteObject {
    /// Its id in the software.
    pub remote_id: RemoteId,
    /// Its members as we answer them.
    pub fields: Fields,
    /// The software's own record, an object. Nothing secret is in it.
    pub remote_data: Box<RawValue>,
    /// When it last changed there.
    pub remote_updated_at: Option<DateTime<Utc>>,
}

/// The members of an object.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant is the type that it holds")]
pub enum Fields {
    CompanyInfo(CompanyInfo),
    Account(Account),
    Contact(Contact),
    TrackingCategory(TrackingCategory),
    AccountingPeriod(AccountingPeriod),
    Invoice(Box<Invoice>),
}
