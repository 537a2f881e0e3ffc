//! Rows become payments. A value that does not fit the domain's types was not written by this server: an internal error.
//!
//! Second line of defence: a row of another connection is refused here, even if a query forgot its tenant condition.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use crate::accounting::payments::payment::{LineItem, Payment, PaymentData};
use crate::auth::Scope;
use crate::db;
use crate::domain::{
    FieldMappings, MinorUnits, OffsetTimestamp, ParseError, PaymentId, ReferenceId, RemoteStatus, Warning,
};

/// A payment with its line items. Each member has the name of its column, but for `type`, which is `kind`.
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
    /// `None` where there is no software.
    pub remote_status: Option<String>,
    pub warnings: Option<Json<Vec<Warning>>>,
    pub request_digest: Option<Vec<u8>>,
    /// `None` when a list left them and the JSON members out, because they are too large for it.
    pub line_items: Option<Vec<Json<LineItemRow>>>,
    /// Whether it passes the filters of a list.
    pub matches: bool,
    /// Whether it is the last row that the list scanned.
    pub is_scan_end: bool,
}

/// A row of `payment_line_item`, as each query makes it by `json_build_array(name, …)`: its members are decoded by their
/// places.
///
/// It is no `row(name, …)`, because the nodes of Citus cannot send each other a row without a type. It is no composite
/// type of the schema, because sqlx asks Postgres for such a type after it has prepared the statement. This ends a
/// statement without a name: the first read of a session behind a pooler would fail (`db/statement.rs`).
#[derive(Debug, Deserialize)]
pub(super) struct LineItemRow {
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

impl PaymentRow {
    /// Whether parts are left out.
    pub(super) fn is_partial(&self) -> bool {
        self.line_items.is_none()
    }

    /// The payment with its line items, if it is the scope's.
    pub(super) fn into_payment(self, scope: &Scope) -> Result<Payment, sqlx::Error> {
        scope.require_own(self.connection_id)?;
        let Some(line_items) = &self.line_items else {
            return Err(sqlx::Error::Decode("a query left out parts of a payment".into()));
        };
        let line_items = line_items.iter().map(|Json(row)| line_item(row)).collect::<Result<_, _>>()?;
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
        remote_status: parse(row.remote_status.as_deref())?.unwrap_or(RemoteStatus::None),
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
        company_info_id: row.company_info_id.map(ReferenceId),
        created_at: Some(row.created_at),
        modified_at: Some(row.modified_at),
        applied_amount: amount(row.applied_amount)?,
        applied_date: offset_timestamp(row.applied_date, row.applied_offset_minutes),
        related_object_id: row.related_object_id.map(ReferenceId),
        related_object_type: parse(row.related_object_type.as_deref())?,
    })
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
