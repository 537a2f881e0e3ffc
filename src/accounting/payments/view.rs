//! How a payment is answered.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::payment::{LineItem, Payment};
use crate::domain::{
    Currency, ExchangeRate, FieldMappings, FreeText, MinorUnits, OffsetTimestamp, ReferenceId, RemoteStatus, Warning,
    rfc3339,
};

/// A payment: all members of the request, and what the server adds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentView<'a> {
    /// The invoice that is paid.
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    invoice_id: Option<ReferenceId>,
    /// The accounting date, with the offset that the client wrote.
    #[schema(value_type = Option<String>, format = DateTime, example = "2024-06-15T12:00:00Z")]
    transaction_date: Option<OffsetTimestamp>,
    /// Who pays or is paid.
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    contact_id: Option<ReferenceId>,
    /// The account of the books that the money went to or came from.
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    account_id: Option<ReferenceId>,
    /// ISO 4217 alphabetic code, upper case.
    #[schema(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
    /// Digit for digit as the client wrote it.
    #[schema(value_type = Option<String>, example = "1.2")]
    exchange_rate: Option<&'a ExchangeRate>,
    /// A whole number of the currency's minor unit.
    #[schema(value_type = Option<i64>, example = 10000)]
    total_amount: Option<MinorUnits>,
    /// The kind of payment, in the client's words.
    #[serde(rename = "type")]
    #[schema(value_type = Option<String>, example = "Credit Card")]
    kind: Option<&'a FreeText>,
    /// The company whose books these are.
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    company_info_id: Option<ReferenceId>,
    /// The accounting period that the payment falls into.
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    accounting_period_id: Option<ReferenceId>,
    /// Tracking categories.
    #[schema(value_type = Option<Vec<Uuid>>, example = json!(["801f9ede-c698-4e66-a7fc-48d19eebaa4f"]))]
    tracking_categories: Option<&'a [ReferenceId]>,
    /// Line items in the order in which they were sent; never null.
    line_items: Vec<LineItemView<'a>>,
    /// Custom fields.
    #[schema(value_type = Option<Object>, example = json!({"custom_field_1": "value1", "custom_field_2": "value2"}))]
    field_mappings: Option<&'a FieldMappings>,
    /// Made by the server, ordered by time.
    #[schema(example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    id: Uuid,
    /// The id in the connected accounting software.
    #[schema(example = "payment_1234")]
    remote_id: Option<&'a str>,
    /// When the record last changed there.
    #[schema(example = "2024-06-15T12:00:00Z")]
    #[serde(serialize_with = "rfc3339::optional")]
    remote_updated_at: Option<DateTime<Utc>>,
    /// The accounting software's own answer; null unless `?remote_data=true`.
    #[schema(value_type = Option<Object>, example = json!({"raw_data": {"additional_field": "some value"}}))]
    remote_data: Option<&'a RawValue>,
    /// What became of it in the connected accounting software; `none` where there is none.
    #[schema(example = "applied")]
    remote_status: RemoteStatus,
    /// When the server accepted the payment.
    #[schema(example = "2024-06-15T12:00:00Z")]
    #[serde(serialize_with = "rfc3339::instant")]
    created_at: DateTime<Utc>,
    /// When it last changed here.
    #[schema(example = "2024-06-15T12:00:00Z")]
    #[serde(serialize_with = "rfc3339::instant")]
    modified_at: DateTime<Utc>,
    /// What was ignored or assumed when it was created; only in the answer to the create call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Warning>, nullable = false)]
    warnings: Option<&'a [Warning]>,
}

/// A line of a payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentLineItem)]
pub struct LineItemView<'a> {
    /// What the line is called.
    #[schema(value_type = Option<String>, example = "Net Income")]
    name: Option<&'a FreeText>,
    /// An amount in minor units.
    #[schema(value_type = Option<i64>, example = 100_000)]
    value: Option<MinorUnits>,
    /// The kind of line.
    #[serde(rename = "type")]
    #[schema(value_type = Option<String>, example = "Operating Activities")]
    kind: Option<&'a FreeText>,
    /// The line above this one.
    #[schema(value_type = Option<String>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    parent_item: Option<&'a FreeText>,
    /// Its id in other software.
    #[schema(value_type = Option<String>, example = "report_item_1234")]
    remote_id: Option<&'a FreeText>,
    /// When other software made it.
    #[schema(example = "2024-07-01T12:00:00Z")]
    #[serde(serialize_with = "rfc3339::optional")]
    remote_generated_at: Option<DateTime<Utc>>,
    /// The company that the line is about.
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    company_info_id: Option<ReferenceId>,
    /// When the line was made; never null.
    #[schema(example = "2024-06-15T12:00:00Z")]
    #[serde(serialize_with = "rfc3339::instant")]
    created_at: DateTime<Utc>,
    /// When the line last changed; never null.
    #[schema(example = "2024-06-15T12:00:00Z")]
    #[serde(serialize_with = "rfc3339::instant")]
    modified_at: DateTime<Utc>,
    /// The part of the payment that goes to the related object, in minor units.
    #[schema(value_type = Option<i64>, example = 100_000)]
    applied_amount: Option<MinorUnits>,
    /// The accounting date of that, with the offset that the client wrote.
    #[schema(value_type = Option<String>, format = DateTime, example = "2024-06-15T12:00:00Z")]
    applied_date: Option<OffsetTimestamp>,
    /// What the line is allocated to.
    #[schema(value_type = Option<Uuid>, example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    related_object_id: Option<ReferenceId>,
    /// The kind of that object.
    #[schema(value_type = Option<String>, example = "invoice")]
    related_object_type: Option<&'a FreeText>,
}

impl<'a> PaymentView<'a> {
    /// A payment as it is read later.
    #[must_use]
    pub fn of(payment: &'a Payment, remote_data: bool) -> Self {
        let data = &payment.data;
        Self {
            invoice_id: data.invoice_id,
            transaction_date: data.transaction_date,
            contact_id: data.contact_id,
            account_id: data.account_id,
            currency: data.currency,
            exchange_rate: data.exchange_rate.as_ref(),
            total_amount: data.total_amount,
            kind: data.kind.as_ref(),
            company_info_id: data.company_info_id,
            accounting_period_id: data.accounting_period_id,
            tracking_categories: data.tracking_categories.as_deref(),
            line_items: data.line_items.iter().map(|item| LineItemView::of(item, payment.created_at)).collect(),
            field_mappings: data.field_mappings.as_ref(),
            id: payment.id.0,
            remote_id: payment.remote_id.as_deref(),
            remote_updated_at: payment.remote_updated_at,
            remote_data: payment.remote_data.as_deref().filter(|_| remote_data),
            remote_status: payment.remote_status,
            created_at: payment.created_at,
            modified_at: payment.modified_at,
            warnings: None,
        }
    }

    /// A payment as the create call and its repetitions answer it: with warnings, if there are any.
    #[must_use]
    pub fn of_create(payment: &'a Payment, remote_data: bool) -> Self {
        let warnings = (!payment.warnings.is_empty()).then_some(payment.warnings.as_slice());
        Self { warnings, ..Self::of(payment, remote_data) }
    }
}

impl<'a> LineItemView<'a> {
    fn of(item: &'a LineItem, created_at: DateTime<Utc>) -> Self {
        Self {
            name: item.name.as_ref(),
            value: item.value,
            kind: item.kind.as_ref(),
            parent_item: item.parent_item.as_ref(),
            remote_id: item.remote_id.as_ref(),
            remote_generated_at: item.remote_generated_at,
            company_info_id: item.company_info_id,
            created_at: item.created_at.unwrap_or(created_at),
            modified_at: item.modified_at.unwrap_or(created_at),
            applied_amount: item.applied_amount,
            applied_date: item.applied_date,
            related_object_id: item.related_object_id,
            related_object_type: item.related_object_type.as_ref(),
        }
    }
}
