//! The members of a payment that the software requires, ignores or limits.

use crate::accounting::payments::{LineItem, PaymentData};
use crate::connectors::{Capabilities, Fault, Member};
use crate::domain::{ExchangeRate, FreeText, Warning};

/// What no payment can do without: the software would guess it.
const ALWAYS_REQUIRED: &[&str] = &["total_amount", "currency", "transaction_date", "account_id"];

/// The members that the software requires, ignores or limits: what is checked, and what clients are shown.
#[must_use]
pub fn members(capabilities: &Capabilities) -> Vec<Member> {
    let mut members: Vec<_> = ALWAYS_REQUIRED.iter().map(|name| plain(name)).collect();
    if !capabilities.takes_exchange_rate {
        members.push(plain("exchange_rate"));
    }
    for of_software in capabilities.members {
        match members.iter_mut().find(|member| member.name == of_software.name) {
            Some(member) => *member = *of_software,
            None => members.push(*of_software),
        }
    }
    for member in &mut members {
        member.required |= ALWAYS_REQUIRED.contains(&member.name);
        member.ignored |= member.name == "exchange_rate" && !capabilities.takes_exchange_rate;
    }
    members
}

fn plain(name: &'static str) -> Member {
    Member { name, required: false, ignored: false, max_length: None }
}

/// What the software requires and the payment lacks, and what is too long for it.
pub fn faults(data: &PaymentData, capabilities: &Capabilities) -> Vec<Fault> {
    let of_member = |member: Member| {
        let pointer = format!("/{}", member.name);
        if member.required && !is_given(data, member.name) {
            let detail = "the connected software needs it; nothing is assumed in its place";
            return Some(Fault::new(pointer, "required", detail));
        }
        let max = usize::from(member.max_length?);
        let length = text(data, member.name)?.chars().count();
        let detail = || format!("has {length} characters; the connected software takes {max}");
        (length > max).then(|| Fault::new(pointer, "too_long", detail()))
    };
    members(capabilities).into_iter().filter_map(of_member).collect()
}

/// What the payment says and the software has no place for.
pub fn warnings(data: &PaymentData, capabilities: &Capabilities) -> Vec<Warning> {
    let ignored = members(capabilities).into_iter().filter(|member| member.ignored && is_given(data, member.name));
    let members = ignored.map(|member| format!("/{}", member.name));
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
        // A line item can name the invoice, too.
        "invoice_id" => {
            data.invoice_id.is_some() || data.line_items.iter().any(|item| item.related_object_id.is_some())
        }
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
