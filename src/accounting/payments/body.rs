//! What the body of a create call means.
#![expect(clippy::redundant_closure_for_method_calls, reason = "a method's own lifetimes are not general enough")]

use super::payment::{LineItem, PaymentData};
use crate::http::request::Limits;
use crate::http::request::fields::Fields;
use crate::http::request::json::FromJson;

/// The most tracking categories of a payment.
const MAX_TRACKING_CATEGORIES: usize = 100;

/// The bytes of an answer that shows no text: names, and what the server adds.
const EMPTY_ANSWER: usize = 1_024;
/// The same of a line item in it.
const EMPTY_LINE_ITEM: usize = 360;

impl FromJson for PaymentData {
    fn read(fields: &mut Fields<'_, '_, '_>, limits: &Limits) -> Self {
        Self {
            invoice_id: fields.text("invoice_id"),
            transaction_date: fields.offset_timestamp("transaction_date"),
            contact_id: fields.text("contact_id"),
            account_id: fields.text("account_id"),
            currency: fields.text("currency"),
            exchange_rate: fields.text("exchange_rate"),
            total_amount: fields.number("total_amount"),
            kind: fields.text("type"),
            company_info_id: fields.text("company_info_id"),
            accounting_period_id: fields.text("accounting_period_id"),
            tracking_categories: fields.list("tracking_categories", MAX_TRACKING_CATEGORIES, |id| id.text()),
            line_items: fields
                .list("line_items", limits.max_line_items, |item| Fields::read(item, line_item))
                .unwrap_or_default(),
            field_mappings: fields.field_mappings("field_mappings"),
        }
    }

    fn response_bytes(&self, body_bytes: usize) -> usize {
        body_bytes + EMPTY_ANSWER + EMPTY_LINE_ITEM * self.line_items.len()
    }
}

fn line_item(fields: &mut Fields<'_, '_, '_>) -> LineItem {
    LineItem {
        name: fields.text("name"),
        value: fields.number("value"),
        kind: fields.text("type"),
        parent_item: fields.text("parent_item"),
        remote_id: fields.text("remote_id"),
        remote_generated_at: fields.instant("remote_generated_at"),
        company_info_id: fields.text("company_info_id"),
        created_at: fields.instant("created_at"),
        modified_at: fields.instant("modified_at"),
        applied_amount: fields.number("applied_amount"),
        applied_date: fields.offset_timestamp("applied_date"),
        related_object_id: fields.text("related_object_id"),
        related_object_type: fields.text("related_object_type"),
    }
}
