//! Rows back into payments. What does not fit the domain's types was not written by this server: an internal error.

use std::collections::HashMap;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use super::payment::{LineItem, NewPayment, Payment};
use crate::db;
use crate::domain::{FieldMappings, MinorUnits, PaymentId, Refusal, RelatedId, Warning, WrittenTime};

/// A row of `payment`.
#[derive(Debug)]
pub(super) struct PaymentRow {
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
    pub modified_at: DateTime<Utc>,
    pub invoice_id: Option<Uuid>,
    pub transaction_date: Option<DateTime<Utc>>,
    pub transaction_offset_minutes: Option<i16>,
    pub contact_id: Option<Uuid>,
    pub account_id: Option<Uuid>,
    pub currency: Option<String>,
    pub exchange_rate: Option<String>,
    pub total_amount: Option<i64>,
    pub kind: Option<String>,
    pub company_info_id: Option<Uuid>,
    pub accounting_period_id: Option<Uuid>,
    pub tracking_categories: Option<Vec<Uuid>>,
    pub field_mappings: Option<Json<Box<RawValue>>>,
    pub remote_id: Option<String>,
    pub remote_updated_at: Option<DateTime<Utc>>,
    pub remote_data: Option<Json<Box<RawValue>>>,
    pub warnings: Option<Json<Vec<Warning>>>,
    pub request_digest: Option<Vec<u8>>,
}

/// A row of `payment_line_item`.
#[derive(Debug)]
pub(super) struct LineItemRow {
    pub payment_id: Uuid,
    pub name: Option<String>,
    pub value: Option<i64>,
    pub kind: Option<String>,
    pub parent_item: Option<String>,
    pub remote_id: Option<String>,
    pub remote_generated_at: Option<DateTime<Utc>>,
    pub company_info_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub modified_at: DateTime<Utc>,
    pub applied_amount: Option<i64>,
    pub applied_date: Option<DateTime<Utc>>,
    pub applied_offset_minutes: Option<i16>,
    pub related_object_id: Option<Uuid>,
    pub related_object_type: Option<String>,
}

/// Puts payments and their line items together, in the order of `rows`.
pub(super) fn assemble(rows: Vec<PaymentRow>, items: Vec<LineItemRow>) -> Result<Vec<Payment>, sqlx::Error> {
    let mut of_payment: HashMap<Uuid, Vec<LineItem>> = HashMap::with_capacity(rows.len());
    for row in items {
        of_payment.entry(row.payment_id).or_default().push(line_item(&row)?);
    }
    rows.into_iter()
        .map(|row| {
            let items = of_payment.remove(&row.id).unwrap_or_default();
            payment(row, items)
        })
        .collect()
}

fn payment(row: PaymentRow, line_items: Vec<LineItem>) -> Result<Payment, sqlx::Error> {
    let content = NewPayment {
        invoice_id: row.invoice_id.map(RelatedId),
        transaction_date: written_time(row.transaction_date, row.transaction_offset_minutes),
        contact_id: row.contact_id.map(RelatedId),
        account_id: row.account_id.map(RelatedId),
        currency: parse(row.currency.as_deref())?,
        exchange_rate: parse(row.exchange_rate.as_deref())?,
        total_amount: amount(row.total_amount)?,
        kind: parse(row.kind.as_deref())?,
        company_info_id: row.company_info_id.map(RelatedId),
        accounting_period_id: row.accounting_period_id.map(RelatedId),
        tracking_categories: row.tracking_categories.map(|ids| ids.into_iter().map(RelatedId).collect()),
        line_items,
        field_mappings: row.field_mappings.map(|Json(object)| FieldMappings::from_stored(object)),
    };
    Ok(Payment {
        id: PaymentId(row.id),
        content,
        remote_id: row.remote_id,
        remote_updated_at: row.remote_updated_at,
        remote_data: row.remote_data.map(|Json(object)| object),
        created_at: row.created_at,
        modified_at: row.modified_at,
        warnings: row.warnings.map(|Json(warnings)| warnings).unwrap_or_default(),
    })
}

fn line_item(row: &LineItemRow) -> Result<LineItem, sqlx::Error> {
    Ok(LineItem {
        name: parse(row.name.as_deref())?,
        value: amount(row.value)?,
        kind: parse(row.kind.as_deref())?,
        parent_item: parse(row.parent_item.as_deref())?,
        remote_id: parse(row.remote_id.as_deref())?,
        remote_generated_at: row.remote_generated_at,
        company_info_id: row.company_info_id.map(RelatedId),
        created_at: Some(row.created_at),
        modified_at: Some(row.modified_at),
        applied_amount: amount(row.applied_amount)?,
        applied_date: written_time(row.applied_date, row.applied_offset_minutes),
        related_object_id: row.related_object_id.map(RelatedId),
        related_object_type: parse(row.related_object_type.as_deref())?,
    })
}

fn written_time(instant: Option<DateTime<Utc>>, offset_minutes: Option<i16>) -> Option<WrittenTime> {
    WrittenTime::from_parts(instant?, offset_minutes?)
}

fn amount(units: Option<i64>) -> Result<Option<MinorUnits>, sqlx::Error> {
    units.map(MinorUnits::try_from).transpose().map_err(db::foreign)
}

fn parse<T: FromStr<Err = Refusal>>(text: Option<&str>) -> Result<Option<T>, sqlx::Error> {
    text.map(str::parse).transpose().map_err(db::foreign)
}
