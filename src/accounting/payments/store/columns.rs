//! What a payment and its line items are in the columns of their tables.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::accounting::payments::payment::{LineItem, PaymentInsert, Stamp};
use crate::auth::Scoped;
use crate::domain::{
    Currency, ExchangeRate, FreeText, MinorUnits, OffsetTimestamp, ReferenceId, RemoteStatus, Warning,
};

/// A new row of `payment`. Each member has the name of its column.
#[derive(Debug)]
pub(super) struct PaymentColumns<'a> {
    /// Not of `payment`, but of the event that announces it.
    pub project_id: Uuid,
    pub connection_id: Uuid,
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
    pub modified_at: DateTime<Utc>,
    pub invoice_id: Option<Uuid>,
    pub transaction_date: Option<DateTime<Utc>>,
    pub transaction_offset_minutes: Option<i16>,
    pub contact_id: Option<Uuid>,
    pub account_id: Option<Uuid>,
    pub currency: Option<&'a str>,
    pub exchange_rate: Option<&'a str>,
    pub total_amount: Option<i64>,
    pub kind: Option<&'a str>,
    pub company_info_id: Option<Uuid>,
    pub accounting_period_id: Option<Uuid>,
    /// As Postgres writes an array: arrays within an array would have to be of one length.
    pub tracking_categories: Option<String>,
    /// As text: of a `Json` sqlx makes a `jsonb`, which would change numbers and the order of members.
    pub field_mappings: Option<&'a str>,
    /// JSON.
    pub warnings: Option<String>,
    pub idempotency_key: Option<&'a str>,
    pub request_digest: Option<&'a [u8]>,
    /// Null where there is no software.
    pub remote_status: Option<&'static str>,
}

/// A new row of `payment_line_item`. Each member has the name of its column.
#[derive(Debug, Default)]
pub(super) struct LineItemColumns<'a> {
    pub payment_id: Uuid,
    /// Every line item has one.
    pub position: Option<i32>,
    pub name: Option<&'a str>,
    pub value: Option<i64>,
    pub kind: Option<&'a str>,
    pub parent_item: Option<&'a str>,
    pub remote_id: Option<&'a str>,
    pub remote_generated_at: Option<DateTime<Utc>>,
    pub company_info_id: Option<Uuid>,
    /// Every line item has one.
    pub created_at: Option<DateTime<Utc>>,
    /// Every line item has one.
    pub modified_at: Option<DateTime<Utc>>,
    pub applied_amount: Option<i64>,
    pub applied_date: Option<DateTime<Utc>>,
    pub applied_offset_minutes: Option<i16>,
    pub related_object_id: Option<Uuid>,
    pub related_object_type: Option<&'a str>,
}

impl<'a> PaymentColumns<'a> {
    pub(super) fn new(row: &'a Scoped<PaymentInsert>, stamp: Stamp) -> Self {
        let PaymentInsert { data, warnings, claim } = &row.value;
        Self {
            project_id: row.scope.project_id().0,
            connection_id: row.scope.connection_id().0,
            id: stamp.id.0,
            created_at: stamp.time,
            modified_at: stamp.time,
            invoice_id: uuid(data.invoice_id),
            transaction_date: data.transaction_date.map(OffsetTimestamp::instant),
            transaction_offset_minutes: data.transaction_date.map(OffsetTimestamp::offset_minutes),
            contact_id: uuid(data.contact_id),
            account_id: uuid(data.account_id),
            currency: data.currency.map(Currency::code),
            exchange_rate: data.exchange_rate.as_ref().map(ExchangeRate::as_str),
            total_amount: data.total_amount.map(MinorUnits::get),
            kind: text(data.kind.as_ref()),
            company_info_id: uuid(data.company_info_id),
            accounting_period_id: uuid(data.accounting_period_id),
            tracking_categories: data.tracking_categories.as_deref().map(array),
            field_mappings: data.field_mappings.as_ref().map(|object| object.as_raw().get()),
            warnings: json(warnings),
            idempotency_key: claim.as_ref().map(|claim| claim.key.as_str()),
            request_digest: claim.as_ref().map(|claim| claim.digest.as_slice()),
            remote_status: row.scope.has_software().then_some(RemoteStatus::Pending.as_str()),
        }
    }
}

impl<'a> LineItemColumns<'a> {
    /// The line items of a payment that is written with `stamp`.
    pub(super) fn of(row: &'a Scoped<PaymentInsert>, stamp: Stamp) -> impl Iterator<Item = Self> {
        Self::of_items(&row.value.data.line_items, stamp)
    }

    /// The same, without a claim.
    pub(super) fn of_items(items: &'a [LineItem], stamp: Stamp) -> impl Iterator<Item = Self> {
        (0..).zip(items).map(move |(position, item)| Self::new(item, position, stamp))
    }

    fn new(item: &'a LineItem, position: i32, stamp: Stamp) -> Self {
        Self {
            payment_id: stamp.id.0,
            position: Some(position),
            name: text(item.name.as_ref()),
            value: item.value.map(MinorUnits::get),
            kind: text(item.kind.as_ref()),
            parent_item: text(item.parent_item.as_ref()),
            remote_id: text(item.remote_id.as_ref()),
            remote_generated_at: item.remote_generated_at,
            company_info_id: uuid(item.company_info_id),
            created_at: Some(item.created_at.unwrap_or(stamp.time)),
            modified_at: Some(item.modified_at.unwrap_or(stamp.time)),
            applied_amount: item.applied_amount.map(MinorUnits::get),
            applied_date: item.applied_date.map(OffsetTimestamp::instant),
            applied_offset_minutes: item.applied_date.map(OffsetTimestamp::offset_minutes),
            related_object_id: uuid(item.related_object_id),
            related_object_type: text(item.related_object_type.as_ref()),
        }
    }
}

fn uuid(id: Option<ReferenceId>) -> Option<Uuid> {
    id.map(|id| id.0)
}

fn text(text: Option<&FreeText>) -> Option<&str> {
    text.map(FreeText::as_str)
}

/// Warnings as JSON, if there are any. Nothing in them can fail to be written.
fn json(warnings: &[Warning]) -> Option<String> {
    if warnings.is_empty() { None } else { serde_json::to_string(warnings).ok() }
}

/// An array as Postgres writes it.
fn array(ids: &[ReferenceId]) -> String {
    let mut text = String::with_capacity(2 + ids.len() * (uuid::fmt::Hyphenated::LENGTH + 1));
    text.push('{');
    for (place, id) in ids.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(id.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
    text.push('}');
    text
}

/// The connections of some rows and their projects, each connection once. The rows of one are next to each other.
pub(super) fn owners(payments: &[PaymentColumns<'_>]) -> (Vec<Uuid>, Vec<Uuid>) {
    let mut owners: Vec<_> = payments.iter().map(|new| (new.connection_id, new.project_id)).collect();
    owners.dedup();
    owners.into_iter().unzip()
}

/// One column of all rows, as an array parameter.
pub(super) fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
