//! What a payment is.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::domain::{
    Currency, ExchangeRate, FieldMappings, FreeText, IdempotencyKey, MinorUnits, OffsetTimestamp, PaymentId,
    ReferenceId, RemoteStatus, Warning, rfc3339,
};

/// What a client says of a payment. Every member may be absent or null; unknown members become warnings.
///
/// Serialized without what is absent, it is the request's meaning, of which the idempotency digest is taken. A new
/// member therefore leaves the digests of older requests as they are.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PaymentData {
    /// The invoice that is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    pub invoice_id: Option<ReferenceId>,
    /// The accounting date: RFC 3339 date-time, date-time without offset (UTC), or plain date (midnight UTC). The
    /// written offset is kept and answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2024-06-15T12:00:00Z")]
    pub transaction_date: Option<OffsetTimestamp>,
    /// Who pays or is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    pub contact_id: Option<ReferenceId>,
    /// The account of the books that the money went to or came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    pub account_id: Option<ReferenceId>,
    /// ISO 4217 alphabetic code; any letter case, answered in upper case.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "USD")]
    pub currency: Option<Currency>,
    /// A positive decimal, kept and answered digit for digit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1.2")]
    pub exchange_rate: Option<ExchangeRate>,
    /// A whole number of the currency's minor unit ("cents"), within ±(2^53 − 1). `10000`, `10000.0` and `1e4` are
    /// the same; `100.5` is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, example = 10000)]
    pub total_amount: Option<MinorUnits>,
    /// The kind of payment, in the client's words.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 1024, example = "Credit Card")]
    pub kind: Option<FreeText>,
    /// The company whose books these are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    pub company_info_id: Option<ReferenceId>,
    /// The accounting period that the payment falls into.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    pub accounting_period_id: Option<ReferenceId>,
    /// Tracking categories, at most 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Uuid>>, max_items = 100, example = json!(["801f9ede-c698-4e66-a7fc-48d19eebaa4f"]))]
    pub tracking_categories: Option<Vec<ReferenceId>>,
    /// Line items, stored and answered in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<LineItem>>)]
    pub line_items: Vec<LineItem>,
    /// Custom fields, any JSON inside, at most 64 KiB. Numbers keep their digits; members are answered in the order
    /// of their names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"custom_field_1": "value1"}))]
    pub field_mappings: Option<FieldMappings>,
}

/// A line of a payment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct LineItem {
    /// What the line is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 1024, example = "Net Income")]
    pub name: Option<FreeText>,
    /// An amount in minor units, by the rule of `total_amount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, example = 100_000)]
    pub value: Option<MinorUnits>,
    /// The kind of line.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 1024, example = "Operating Activities")]
    pub kind: Option<FreeText>,
    /// The line above this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 1024, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    pub parent_item: Option<FreeText>,
    /// Its id in other software.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 1024, example = "report_item_1234")]
    pub remote_id: Option<FreeText>,
    /// When other software made it. Answered in UTC, like all times of a line but `applied_date`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339::optional")]
    #[schema(example = "2024-07-01T12:00:00Z")]
    pub remote_generated_at: Option<DateTime<Utc>>,
    /// The company that the line is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    pub company_info_id: Option<ReferenceId>,
    /// When the line was made; the payment's own time when not sent.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339::optional")]
    #[schema(example = "2024-06-15T12:00:00Z")]
    pub created_at: Option<DateTime<Utc>>,
    /// When the line last changed; the payment's own time when not sent.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339::optional")]
    #[schema(example = "2024-06-15T12:00:00Z")]
    pub modified_at: Option<DateTime<Utc>>,
    /// The part of the payment that goes to the related object, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, example = 100_000)]
    pub applied_amount: Option<MinorUnits>,
    /// The accounting date of that; its written offset is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2024-06-15T12:00:00Z")]
    pub applied_date: Option<OffsetTimestamp>,
    /// What the line is allocated to, for example an invoice.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    pub related_object_id: Option<ReferenceId>,
    /// The kind of that object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 1024, example = "invoice")]
    pub related_object_type: Option<FreeText>,
}

/// A payment as it is kept.
#[derive(Debug, Clone)]
pub struct Payment {
    /// Made by the server, ordered by time.
    pub id: PaymentId,
    /// What the client said.
    pub data: Box<PaymentData>,
    /// The id in the connected accounting software.
    pub remote_id: Option<String>,
    /// When the record last changed there.
    pub remote_updated_at: Option<DateTime<Utc>>,
    /// The accounting software's own answer.
    pub remote_data: Option<Box<serde_json::value::RawValue>>,
    /// What became of it in the accounting software.
    pub remote_status: RemoteStatus,
    /// When the server wrote it.
    pub created_at: DateTime<Utc>,
    /// When it last changed here.
    pub modified_at: DateTime<Utc>,
    /// What the answer to the create call warned of.
    pub warnings: Vec<Warning>,
}

/// The id and the time that a payment gets when it is written. They are made at that moment and not when its body is
/// read, so that a payment becomes visible soon after its `created_at`. A payment that is written again gets new ones.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The payment's id.
    pub id: PaymentId,
    /// Its `created_at` and its `modified_at`.
    pub time: DateTime<Utc>,
}

impl Stamp {
    /// Stamps for `count` payments that are written together from `now` on, a microsecond apart: ids then have the order
    /// of `created_at`.
    #[must_use]
    pub fn series(now: DateTime<Utc>, count: usize) -> Vec<Self> {
        let times = std::iter::successors(Some(now), |time| Some(*time + TimeDelta::microseconds(1)));
        times.take(count).map(|time| Self { id: PaymentId::new(time), time }).collect()
    }
}

impl Payment {
    /// A payment that was just written. With software behind its connection, it waits to be written there too.
    #[must_use]
    pub fn written(data: Box<PaymentData>, warnings: Vec<Warning>, stamp: Stamp, has_software: bool) -> Self {
        Self {
            id: stamp.id,
            data,
            remote_id: None,
            remote_updated_at: None,
            remote_data: None,
            remote_status: if has_software { RemoteStatus::Pending } else { RemoteStatus::None },
            created_at: stamp.time,
            modified_at: stamp.time,
            warnings,
        }
    }
}

/// A payment to be stored, with its claim on an idempotency key.
#[derive(Debug)]
pub struct PaymentInsert {
    /// What the client said.
    pub data: Box<PaymentData>,
    /// What the answer will warn of.
    pub warnings: Vec<Warning>,
    /// The claim, when the client sent a key.
    pub claim: Option<IdempotencyClaim>,
}

/// The claim that a request makes on an idempotency key.
#[derive(Debug, Clone)]
pub struct IdempotencyClaim {
    /// The key.
    pub key: IdempotencyKey,
    /// SHA-256 of what the request means: two requests are the same when these are.
    pub digest: [u8; 32],
}

impl IdempotencyClaim {
    /// Claims `key` for a request: its body's meaning and its query.
    ///
    /// # Errors
    /// When `content` cannot be serialized, which none of its types allows for.
    pub fn new(key: IdempotencyKey, data: &PaymentData, remote_data: bool) -> Result<Self, serde_json::Error> {
        #[derive(Serialize)]
        struct Meaning<'a> {
            payment: &'a PaymentData,
            remote_data: bool,
        }
        let meaning = serde_json::to_vec(&Meaning { payment: data, remote_data })?;
        Ok(Self { key, digest: Sha256::digest(&meaning).into() })
    }
}
