//! A payment in the words of the software. Pure: the same payment and references give the same order.

use super::allocations::{self, allocations};
use super::loader::Books;
use super::members;
use super::referred::find;
use crate::accounting::payments::{LineItem, PaymentData};
use crate::connectors::{Fault, PaymentOrder};
use crate::domain::Currency;

/// The order that writes this payment.
///
/// # Errors
/// Every reason for which it cannot be written, with pointers into the body of the create call. The software's own
/// reasons come later, from [`crate::connectors::Provider::prepare`].
pub fn order(data: &PaymentData, books: &Books) -> Result<PaymentOrder, Vec<Fault>> {
    let Books { software, referred } = books;
    let capabilities = software.provider.capabilities();
    let mut faults = members::faults(data, capabilities);
    if data.total_amount.is_some_and(|amount| amount.get() <= 0) {
        faults.push(Fault::new("/total_amount", "not_positive", "write an amount above zero"));
    }
    let digits = data.currency.and_then(Currency::minor_units);
    if data.currency.is_some() && digits.is_none() {
        faults.push(Fault::new(
            "/currency",
            "not_supported_by_software",
            "ISO 4217 gives this code no minor unit to count amounts in",
        ));
    }
    let account = data
        .account_id
        .and_then(|id| found(find(&referred.accounts, id, "/account_id", ("an account", "accounts")), &mut faults));
    let contact = data
        .contact_id
        .and_then(|id| found(find(&referred.contacts, id, "/contact_id", ("a contact", "contacts")), &mut faults));
    if let Some(id) = data.company_info_id {
        let company = find(&referred.companies, id, "/company_info_id", ("a company", "companyinfos"));
        let company = found(company, &mut faults).map(|company| company.remote_id);
        if company.is_some() && software.company.is_some() && company != software.company {
            let detail = "these are the books of another company; name that one or leave it out";
            faults.push(Fault::new("/company_info_id", "contradiction", detail));
        }
    }
    let allocations = allocations(data, referred, &mut faults);
    let is_for_invoices = |item: &LineItem| item.related_object_id.is_some() || item.applied_amount.is_some();
    let is_on_account = data.invoice_id.is_none() && !data.line_items.iter().any(is_for_invoices);
    faults.extend(allocations::faults(data, &allocations, capabilities));
    if is_on_account && !capabilities.on_account {
        let detail = "the connected software takes no payment without an invoice";
        faults.push(Fault::new("/invoice_id", "required", detail));
    } else if is_on_account && data.contact_id.is_none() {
        let detail = "a payment without an invoice needs the contact that pays or is paid";
        faults.push(Fault::new("/contact_id", "required", detail));
    }
    match (data.transaction_date, data.total_amount, data.currency, digits, account) {
        (Some(time), Some(amount), Some(currency), Some(digits), Some(account)) if faults.is_empty() => {
            Ok(PaymentOrder {
                date: time.calendar_date(),
                amount,
                currency,
                digits,
                allocations,
                account,
                contact,
                exchange_rate: data.exchange_rate.clone().filter(|_| capabilities.takes_exchange_rate),
                base_currency: software.base_currency,
                company: software.company.clone(),
            })
        }
        _ => Err(faults),
    }
}

/// The object, or `None` after its fault is noted.
fn found<T>(found: Result<T, Fault>, faults: &mut Vec<Fault>) -> Option<T> {
    found.map_err(|fault| faults.push(fault)).ok()
}
