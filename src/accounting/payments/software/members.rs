//! The members of a payment that the software requires, ignores or limits.

use crate::accounting::payments::{LineItem, PaymentData};
use crate::connectors::{Capabilities, Fault, Member};
use crate::domain::{ExchangeRate, FreeText, Warning};

/// What no payment can do without: the software would guess it.
const ALWAYS_REQUIRED: &[&str] = &["total_amount", "currency", "transaction_date", "account_id"];

/// What the software requires and the payment lacks, and what is too long for it.
pub fn faults(data: &PaymentData, capabilities: &Capabilities) -> Vec<Fault> {
    let required = capabilities.members.iter().filter(|member| member.required).map(|member| member.name);
    let required = required.filter(|name| !ALWAYS_REQUIRED.contains(name));
    let missing = ALWAYS_REQUIRED.iter().copied().chain(required).filter(|name| !is_given(data, name));
    let missing = missing.map(|name| {
        Fault::new(format!("/{name}"), "required", "the connected software needs it; nothing is assumed in its place")
    });
    let limited = capabilities.members.iter().filter_map(|member| Some((member, member.max_length?)));
    let too_long = limited.filter_map(|(Member { name, .. }, max)| {
        let length = text(data, name)?.chars().count();
        (length > usize::from(max)).then(|| {
            let detail = format!("has {length} characters; the connected software takes {max}");
            Fault::new(format!("/{name}"), "too_long", detail)
        })
    });
    missing.chain(too_long).collect()
}

/// What the payment says and the software has no place for.
pub fn warnings(data: &PaymentData, capabilities: &Capabilities) -> Vec<Warning> {
    let ignored = capabilities.members.iter().filter(|member| member.ignored).map(|member| member.name);
    let rate = (!capabilities.takes_exchange_rate).then_some("exchange_rate");
    let ignored = ignored.filter(|name| Some(*name) != rate).chain(rate).filter(|name| is_given(data, name));
    let members = ignored.map(|name| format!("/{name}"));
    let is_unbooked = |(place, item): (usize, &LineItem)| {
        let is_unbooked = item.applied_amount.is_none() && item.related_object_id.is_none();
        is_unbooked.then(|| format!("/line_items/{place}"))
    };
    // One warning for all lines: there may be a thousand.
    let line = data.line_items.iter().enumerate().find_map(is_unbooked);
    let warning = |pointer: String| Warning {
        code: "ignored_by_software".to_owned(),
        detail: format!("`{pointer}` is kept here; the connected software gets nothing of it"),
        pointer,
    };
    members.chain(line).map(warning).collect()
}

/// Whether the client sent a member.
fn is_given(data: &PaymentData, name: &str) -> bool {
    match name {
        "invoice_id" => data.invoice_id.is_some(),
        "transaction_date" => data.transaction_date.is_some(),
        "contact_id" => data.contact_id.is_some(),
        "account_id" => data.account_id.is_some(),
        "currency" => data.currency.is_some(),
        "exchange_rate" => data.exchange_rate.is_some(),
        "total_amount" => data.total_amount.is_some(),
        "type" => data.kind.is_some(),
        "company_info_id" => data.company_info_id.is_some(),
        "accounting_period_id" => data.accounting_period_id.is_some(),
        "tracking_categories" => data.tracking_categories.is_some(),
        "line_items" => !data.line_items.is_empty(),
        "field_mappings" => data.field_mappings.is_some(),
        _ => false,
    }
}

/// The text of a member that is free text.
fn text<'a>(data: &'a PaymentData, name: &str) -> Option<&'a str> {
    match name {
        "type" => data.kind.as_ref().map(FreeText::as_str),
        "exchange_rate" => data.exchange_rate.as_ref().map(ExchangeRate::as_str),
        _ => None,
    }
}
