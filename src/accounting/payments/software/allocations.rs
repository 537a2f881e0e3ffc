//! The invoices that a payment pays, each with its part of the amount.

use std::collections::HashSet;

use super::referred::{Referred, find};
use crate::accounting::payments::PaymentData;
use crate::connectors::{Allocation, Capabilities, Fault};
use crate::domain::references::{Invoice, InvoiceKind, InvoiceStatus};
use crate::domain::{FreeText, MinorUnits, ReferenceId};

/// A part of the payment, before its invoice is looked for.
struct Part {
    /// Where the body names the invoice.
    pointer: String,
    invoice_id: ReferenceId,
    amount: MinorUnits,
}

/// The allocations of a payment, and everything that is wrong with them.
///
/// `invoice_id` alone pays that invoice with the whole amount. Line items with `applied_amount` and `related_object_id`
/// pay theirs with their parts.
pub fn allocations(data: &PaymentData, referred: &Referred, faults: &mut Vec<Fault>) -> Vec<Allocation> {
    let parts = parts(data, faults);
    let mut seen = HashSet::new();
    let mut allocations = Vec::with_capacity(parts.len());
    for Part { pointer, invoice_id, amount } in parts {
        if !seen.insert(invoice_id) {
            faults.push(Fault::new(
                pointer,
                "duplicate_allocation",
                "another line pays this invoice already; add them up",
            ));
            continue;
        }
        match find(&referred.invoices, invoice_id, pointer, ("an invoice", "invoices")) {
            Ok(invoice) => allocations.push(Allocation { invoice, amount }),
            Err(fault) => faults.push(fault),
        }
    }
    allocations
}

fn parts(data: &PaymentData, faults: &mut Vec<Fault>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut has_lines = false;
    for (place, item) in data.line_items.iter().enumerate() {
        let at = |member: &str| format!("/line_items/{place}/{member}");
        match (item.applied_amount, item.related_object_id) {
            (None, None) => continue,
            (Some(amount), Some(invoice_id)) => {
                if amount.get() <= 0 {
                    faults.push(Fault::new(at("applied_amount"), "not_positive", "write an amount above zero"));
                }
                let kind = item.related_object_type.as_ref().map(FreeText::as_str);
                if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("invoice")) {
                    let detail = "a payment is applied to invoices only; write `invoice` or leave it out";
                    faults.push(Fault::new(at("related_object_type"), "not_supported_by_software", detail));
                }
                parts.push(Part { pointer: at("related_object_id"), invoice_id, amount });
            }
            (Some(_), None) => {
                let detail = "say by its id which invoice this amount is applied to";
                faults.push(Fault::new(at("related_object_id"), "required", detail));
            }
            (None, Some(_)) => {
                let detail = "say how much of the payment is applied to this invoice";
                faults.push(Fault::new(at("applied_amount"), "required", detail));
            }
        }
        has_lines = true;
    }
    let Some(invoice_id) = data.invoice_id else { return parts };
    if !has_lines {
        let whole = |amount| Part { pointer: "/invoice_id".to_owned(), invoice_id, amount };
        parts.extend(data.total_amount.map(whole));
    } else if !data.line_items.iter().any(|item| item.related_object_id == Some(invoice_id)) {
        let detail = "no line item is applied to this invoice; name one of theirs or leave it out";
        faults.push(Fault::new("/invoice_id", "contradiction", detail));
    }
    parts
}

/// What the software cannot do with these allocations.
pub fn faults(data: &PaymentData, allocations: &[Allocation], capabilities: &Capabilities) -> Vec<Fault> {
    let mut faults: Vec<_> = allocations.iter().filter_map(|part| of_invoice(data, part, capabilities)).collect();
    faults.extend(of_sum(data, allocations, capabilities));
    if let [first, others @ ..] = allocations {
        let other = |differs: &dyn Fn(&Invoice, &Invoice) -> bool| {
            others.iter().find(|other| differs(&first.invoice.fields, &other.invoice.fields))
        };
        if let Some(other) = other(&|one, other| one.kind != other.kind) {
            let detail = "one payment is applied either to invoices to customers or to bills of suppliers";
            faults.push(Fault::new(&other.invoice.pointer, "mixed_invoices", detail));
        }
        if let Some(other) = other(&|one, other| one.contact_id != other.contact_id) {
            let detail = "all invoices of one payment belong to one contact, and this one has another";
            faults.push(Fault::new(&other.invoice.pointer, "mixed_invoices", detail));
        }
        let contact_id = first.invoice.fields.contact_id;
        if data.contact_id.is_some_and(|id| contact_id.is_some_and(|of_invoice| of_invoice != id)) {
            let detail = "the invoice has another contact; name that one or leave it out";
            faults.push(Fault::new("/contact_id", "contradiction", detail));
        }
    }
    if allocations.len() > capabilities.max_allocations {
        let (count, max) = (allocations.len(), capabilities.max_allocations);
        let detail = format!("{count} invoices; in the connected software one payment has at most {max}");
        faults.push(Fault::new("/line_items", "too_many_items", detail));
    }
    faults
}

/// What is wrong with one invoice.
fn of_invoice(data: &PaymentData, part: &Allocation, capabilities: &Capabilities) -> Option<Fault> {
    let invoice = &part.invoice.fields;
    let fault = |code, detail: String| Some(Fault::new(&part.invoice.pointer, code, detail));
    let is_offered = match invoice.kind {
        Some(InvoiceKind::AccountsReceivable) => capabilities.customer_payments,
        Some(InvoiceKind::AccountsPayable) => capabilities.supplier_payments,
        None => false,
    };
    if !is_offered {
        return fault(
            "not_supported_by_software",
            "the connected software takes no payments of this kind of invoice".to_owned(),
        );
    }
    if invoice.total_amount.is_some_and(|total| total.get() < 0) {
        return fault("not_supported_by_software", "it is a credit note; only invoices are paid".to_owned());
    }
    if !matches!(invoice.status, Some(InvoiceStatus::Open | InvoiceStatus::PartiallyPaid)) {
        let status = invoice.status.map_or("unknown".to_owned(), |status| format!("{status:?}"));
        return fault("not_payable", format!("its status is {status}; only an open or partially paid one can be paid"));
    }
    match (data.currency, invoice.currency) {
        (Some(paid), Some(invoiced)) if paid != invoiced => {
            let (paid, invoiced) = (paid.code(), invoiced.code());
            fault("currency_mismatch", format!("it is in {invoiced} and the payment in {paid}; pay it in {invoiced}"))
        }
        _ => None,
    }
}

/// What is wrong with the amounts together.
fn of_sum(data: &PaymentData, allocations: &[Allocation], capabilities: &Capabilities) -> Option<Fault> {
    let total = i128::from(data.total_amount?.get());
    let applied: i128 = allocations.iter().map(|part| i128::from(part.amount.get())).sum();
    if applied > total {
        let detail = format!("the line items apply {applied}, more than the whole payment of {total}");
        return Some(Fault::new("/total_amount", "over_allocated", detail));
    }
    if !allocations.is_empty() && applied < total && !capabilities.partly_on_account {
        let detail = format!("{applied} of {total} is applied; the connected software takes no rest on account");
        return Some(Fault::new("/total_amount", "under_allocated", detail));
    }
    None
}
