//! Rows become payments. A value that does not fit the domain's types was not written by this server: an internal error.
//!
//! Second line of defence: a row of another connection is refused here, even if a query forgot its tenant condition.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use crate::accounting::payments::payment::{LineItem, Payment, PaymentData};
use crate::auth::Scope;
use crate::db;
use crate::domain::{FieldMappings, MinorUnits, OffsetTimestamp, ParseError, PaymentId, ReferenceId, Warning};

/// A row of `payment` with its rows of `payment_line_item`.
#[derive(Debug)]
pub(super) struct PaymentRow {
    pub connection_id: Uuid,
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
    pub item_name: Column<String>,
    pub item_value: Column<i64>,
    pub item_kind: Column<String>,
    pub item_parent_item: Column<String>,
    pub item_remote_id: Column<String>,
    pub item_remote_generated_at: Column<DateTime<Utc>>,
    pub item_company_info_id: Column<Uuid>,
    pub item_created_at: Column<DateTime<Utc>>,
    pub item_modified_at: Column<DateTime<Utc>>,
    pub item_applied_amount: Column<i64>,
    pub item_applied_date: Column<DateTime<Utc>>,
    pub item_applied_offset_minutes: Column<i16>,
    pub item_related_object_id: Column<Uuid>,
    pub item_related_object_type: Column<String>,
    /// Whether it passes the filters of a list.
    pub matches: bool,
    /// Whether it is the last row that the list scanned.
    pub is_scan_end: bool,
    /// Whether line items and JSON members are left out.
    pub is_partial: bool,
}

/// One member of all line items of a payment; `None` when it has none.
type Column<T> = Option<Vec<Option<T>>>;

impl PaymentRow {
    /// The payment with its line items, if it is the scope's.
    pub(super) fn into_payment(self, scope: &Scope) -> Result<Payment, sqlx::Error> {
        if self.connection_id != scope.connection_id().0 {
            return Err(sqlx::Error::Decode("a query found a row of another connection".into()));
        }
        if self.is_partial {
            return Err(sqlx::Error::Decode("a query left out parts of a payment".into()));
        }
        let line_items = line_items(&self)?;
        payment(self, line_items)
    }
}

fn payment(row: PaymentRow, line_items: Vec<LineItem>) -> Result<Payment, sqlx::Error> {
    let data = PaymentData {
        invoice_id: row.invoice_id.map(ReferenceId),
        transaction_date: offset_timestamp(row.transaction_date, row.transaction_offset_minutes),
        contact_id: row.contact_id.map(ReferenceId),
        account_id: row.account_id.map(ReferenceId),
        currency: parse(row.currency.as_deref())?,
        exchange_rate: parse(row.exchange_rate.as_deref())?,
        total_amount: amount(row.total_amount)?,
        kind: parse(row.kind.as_deref())?,
        company_info_id: row.company_info_id.map(ReferenceId),
        accounting_period_id: row.accounting_period_id.map(ReferenceId),
        tracking_categories: row.tracking_categories.map(|ids| ids.into_iter().map(ReferenceId).collect()),
        line_items,
        field_mappings: row.field_mappings.map(|Json(object)| FieldMappings::from_stored(object)),
    };
    Ok(Payment {
        id: PaymentId(row.id),
        data: Box::new(data),
        remote_id: row.remote_id,
        remote_updated_at: row.remote_updated_at,
        remote_data: row.remote_data.map(|Json(object)| object),
        created_at: row.created_at,
        modified_at: row.modified_at,
        warnings: row.warnings.map(|Json(warnings)| warnings).unwrap_or_default(),
    })
}

fn line_items(row: &PaymentRow) -> Result<Vec<LineItem>, sqlx::Error> {
    let count = row.item_created_at.as_ref().map_or(0, Vec::len);
    let item = |at| {
        Ok(LineItem {
            name: parse(cell(&row.item_name, at).map(String::as_str))?,
            value: amount(cell(&row.item_value, at).copied())?,
            kind: parse(cell(&row.item_kind, at).map(String::as_str))?,
            parent_item: parse(cell(&row.item_parent_item, at).map(String::as_str))?,
            remote_id: parse(cell(&row.item_remote_id, at).map(String::as_str))?,
            remote_generated_at: cell(&row.item_remote_generated_at, at).copied(),
            company_info_id: cell(&row.item_company_info_id, at).copied().map(ReferenceId),
            created_at: cell(&row.item_created_at, at).copied(),
            modified_at: cell(&row.item_modified_at, at).copied(),
            applied_amount: amount(cell(&row.item_applied_amount, at).copied())?,
            applied_date: offset_timestamp(
                cell(&row.item_applied_date, at).copied(),
                cell(&row.item_applied_offset_minutes, at).copied(),
            ),
            related_object_id: cell(&row.item_related_object_id, at).copied().map(ReferenceId),
            related_object_type: parse(cell(&row.item_related_object_type, at).map(String::as_str))?,
        })
    };
    (0..count).map(item).collect()
}

#[expect(clippy::ref_option, reason = "columns stay in the row that they came in")]
fn cell<T>(column: &Column<T>, at: usize) -> Option<&T> {
    column.as_ref()?.get(at)?.as_ref()
}

fn offset_timestamp(instant: Option<DateTime<Utc>>, offset_minutes: Option<i16>) -> Option<OffsetTimestamp> {
    OffsetTimestamp::from_parts(instant?, offset_minutes?)
}

fn amount(units: Option<i64>) -> Result<Option<MinorUnits>, sqlx::Error> {
    units.map(MinorUnits::try_from).transpose().map_err(db::corrupt_row)
}

fn parse<T: FromStr<Err = ParseError>>(text: Option<&str>) -> Result<Option<T>, sqlx::Error> {
    text.map(str::parse).transpose().map_err(db::corrupt_row)
}
