//! What is sent for a payment. The bytes name no field of Odoo, so that they hold for all versions.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::value::{Link, Maybe, text};
use crate::connectors::{Allocation, Error, Fault, PaymentOrder, PreparedWrite, Referenced, decimal, json};
use crate::domain::references::{Contact, InvoiceKind};
use crate::domain::{Currency, RemoteId, WriteKey};

/// A payment as it is loaded, posted and matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Our key: the name of the external id.
    pub key: String,
    /// Whether money comes in or goes out.
    pub direction: Direction,
    /// Who pays or is paid.
    pub partner: i64,
    /// The amount as a decimal, with all digits of its currency.
    pub amount: String,
    /// The currency.
    pub currency: Currency,
    /// The digits of its minor unit.
    pub digits: u8,
    /// The accounting date.
    pub date: NaiveDate,
    /// The journal that books on the account.
    pub journal: i64,
    /// What is paid; `None` for a payment on account.
    pub invoice: Option<PaidInvoice>,
    /// The text in the books.
    pub memo: String,
}

/// The invoice that is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidInvoice {
    /// Its id.
    pub id: i64,
    /// The receivable or payable account of its open item, where the match is made.
    pub account: i64,
    /// Where the body of the create call names it.
    pub pointer: String,
}

/// Whether money comes in or goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// A customer pays.
    FromCustomer,
    /// A supplier is paid.
    ToSupplier,
}

impl Write {
    /// Reads prepared bytes.
    pub fn read(prepared: &PreparedWrite) -> Result<Self, Error> {
        json::read(&prepared.bytes)
    }
}

/// A journal of cash or bank, as it is in the record of its account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Its id.
    pub id: i64,
    /// What it is called.
    pub name: String,
}

#[derive(Deserialize)]
struct AccountRecord {
    #[serde(default)]
    journals: Vec<Journal>,
}

#[derive(Deserialize)]
struct InvoiceRecord {
    commercial_partner_id: Maybe<Link>,
    move_type: String,
    name: Maybe<String>,
    #[serde(default)]
    open_item_accounts: Vec<i64>,
}

/// The bytes of a payment.
///
/// # Errors
/// All reasons for which Odoo cannot take it.
pub fn prepare(order: &PaymentOrder, key: &WriteKey) -> Result<PreparedWrite, Vec<Fault>> {
    let mut faults = Vec::new();
    let journal = journal(order).map_err(|fault| faults.push(fault)).ok();
    let party = party(order).map_err(|own| faults.extend(own)).ok();
    let (Some(journal), Some(party), true) = (journal, party, faults.is_empty()) else { return Err(faults) };
    let number = party.number.into_iter().chain([key.as_str().to_owned()]);
    let write = Write {
        key: key.as_str().to_owned(),
        direction: party.direction,
        partner: party.partner,
        amount: decimal::text(order.amount, order.digits),
        currency: order.currency,
        digits: order.digits,
        date: order.date,
        journal,
        invoice: party.invoice,
        memo: number.collect::<Vec<_>>().join(" "),
    };
    let bytes = serde_json::to_vec(&write).expect("a payment is JSON");
    let invoices = order.allocations.iter().map(|allocation| allocation.invoice.remote_id.clone()).collect();
    Ok(PreparedWrite { bytes, invoices })
}

/// The one journal that books on the account.
fn journal(order: &PaymentOrder) -> Result<i64, Fault> {
    let account = &order.account;
    let fault = |detail: String| Fault::new(&*account.pointer, "no_payment_journal", detail);
    let record: AccountRecord = read(&account.remote_data, &account.pointer)?;
    match record.journals.as_slice() {
        [] => Err(fault("no bank or cash journal in Odoo has this account".to_owned())),
        [journal] => Ok(journal.id),
        several => {
            let names: Vec<_> = several.iter().map(|journal| journal.name.as_str()).collect();
            Err(fault(format!("several journals in Odoo have this account: {}", names.join(", "))))
        }
    }
}

/// Whose payment it is.
struct Party {
    direction: Direction,
    partner: i64,
    invoice: Option<PaidInvoice>,
    number: Option<String>,
}

fn party(order: &PaymentOrder) -> Result<Party, Vec<Fault>> {
    match order.allocations.as_slice() {
        [] => of_contact(order.contact.as_ref()).map_err(|fault| vec![fault]),
        [allocation] => of_invoice(order, allocation),
        [_, second, ..] => {
            let detail = "Odoo chooses how much of a payment each invoice gets, so a payment is for one invoice";
            Err(vec![Fault::new(&*second.invoice.pointer, "unsupported", detail)])
        }
    }
}

fn of_invoice(order: &PaymentOrder, Allocation { invoice, amount }: &Allocation) -> Result<Party, Vec<Fault>> {
    let mut faults = Vec::new();
    let pointer = &*invoice.pointer;
    let mut fault = |pointer: &str, code, detail: &str| faults.push(Fault::new(pointer, code, detail));
    if *amount != order.amount {
        fault("/total_amount", "unsupported", "Odoo matches as much as it can, so the amount is that for the invoice");
    }
    if invoice.fields.currency.is_some_and(|currency| currency != order.currency) {
        fault("/currency", "unsupported", "the payment of an invoice has the invoice's currency");
    }
    let record: InvoiceRecord = read(&invoice.remote_data, pointer).map_err(|fault| vec![fault])?;
    if record.move_type.ends_with("_refund") {
        fault(pointer, "unsupported", "it is a credit note");
    }
    let partner = record.commercial_partner_id.0.map(|partner| partner.id);
    if let (Some(contact), Some(partner)) = (&order.contact, partner)
        && contact.remote_id != RemoteId::from(partner)
    {
        fault(&contact.pointer, "contradiction", "the invoice is of another contact");
    }
    let account = match record.open_item_accounts.as_slice() {
        [account] => Some(*account),
        [] => {
            fault(pointer, "unsupported", "it has no open item: it is a draft, cancelled or paid");
            None
        }
        _ => {
            fault(pointer, "unsupported", "its open items are on several accounts, and a payment in Odoo has one");
            None
        }
    };
    if partner.is_none() {
        fault(pointer, "unsupported", "it has no contact in Odoo");
    }
    let direction = match invoice.fields.kind {
        Some(InvoiceKind::AccountsPayable) => Direction::ToSupplier,
        Some(InvoiceKind::AccountsReceivable) | None => Direction::FromCustomer,
    };
    match (faults.is_empty(), account, partner) {
        (true, Some(account), Some(partner)) => {
            let id = number(&invoice.remote_id, pointer).map_err(|fault| vec![fault])?;
            let invoice = Some(PaidInvoice { id, account, pointer: pointer.to_owned() });
            Ok(Party { direction, partner, invoice, number: text(&record.name) })
        }
        _ => Err(faults),
    }
}

/// Nothing but the contact says whose payment on account it is.
fn of_contact(contact: Option<&Referenced<Contact>>) -> Result<Party, Fault> {
    let Some(contact) = contact else {
        return Err(Fault::new("/contact_id", "required", "a payment without an invoice needs a contact"));
    };
    let direction = match (contact.fields.is_customer, contact.fields.is_supplier) {
        (Some(true), Some(true)) => {
            let detail = "it is a customer and a supplier, so the direction of a payment on account is not known";
            return Err(Fault::new(&*contact.pointer, "unsupported", detail));
        }
        (Some(true), _) => Direction::FromCustomer,
        (_, Some(true)) => Direction::ToSupplier,
        _ => {
            let detail = "it is neither a customer nor a supplier in Odoo yet: it has no posted invoice";
            return Err(Fault::new(&*contact.pointer, "unsupported", detail));
        }
    };
    let partner = number(&contact.remote_id, &contact.pointer)?;
    Ok(Party { direction, partner, invoice: None, number: None })
}

fn read<T: serde::de::DeserializeOwned>(record: &RawValue, pointer: &str) -> Result<T, Fault> {
    json::read(record.get().as_bytes()).map_err(|_| unknown(pointer))
}

fn number(id: &RemoteId, pointer: &str) -> Result<i64, Fault> {
    id.as_str().parse().map_err(|_| unknown(pointer))
}

fn unknown(pointer: &str) -> Fault {
    Fault::new(pointer, "unknown_reference", "its record does not come from Odoo")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::references::{Account, Invoice};

    fn raw(value: &Value) -> Box<RawValue> {
        RawValue::from_string(value.to_string()).expect("JSON")
    }

    fn referenced<T: for<'a> Deserialize<'a>>(pointer: &str, id: &str, fields: Value, data: &Value) -> Referenced<T> {
        Referenced {
            pointer: pointer.to_owned(),
            remote_id: id.parse().expect("an id"),
            fields: serde_json::from_value(fields).expect("members"),
            remote_data: raw(data),
        }
    }

    fn account(data: &Value) -> Referenced<Account> {
        let fields = json!({"is_payment_account": true});
        referenced("/account_id", "40", fields, data)
    }

    fn invoice(data: &Value) -> Referenced<Invoice> {
        let fields =
            json!({"type": "ACCOUNTS_RECEIVABLE", "currency": "USD", "tracking_categories": [], "line_items": []});
        referenced("/line_items/0/related_object_id", "15", fields, data)
    }

    fn contact(is_customer: bool, is_supplier: bool) -> Referenced<Contact> {
        let fields =
            json!({"is_customer": is_customer, "is_supplier": is_supplier, "addresses": [], "phone_numbers": []});
        referenced("/contact_id", "7", fields, &json!({}))
    }

    fn order(account_data: &Value, invoice_data: &Value) -> PaymentOrder {
        let amount = "40000".parse().expect("an amount");
        PaymentOrder {
            date: NaiveDate::from_ymd_opt(2026, 11, 26).expect("a date"),
            amount,
            currency: "USD".parse().expect("a currency"),
            digits: 2,
            allocations: vec![Allocation { invoice: invoice(invoice_data), amount }],
            account: account(account_data),
            contact: None,
            exchange_rate: None,
            base_currency: None,
            company: None,
        }
    }

    fn good() -> PaymentOrder {
        let invoice = json!({"commercial_partner_id": [7, "Acme"], "move_type": "out_invoice", "name": "INV/1",
            "open_item_accounts": [6]});
        order(&json!({"journals": [{"id": 3, "name": "Bank"}]}), &invoice)
    }

    fn prepared(order: &PaymentOrder) -> Result<Write, Vec<(String, String)>> {
        let key = WriteKey::of_stored("ukey".to_owned());
        match prepare(order, &key) {
            Ok(write) => Ok(Write::read(&write).expect("what was written")),
            Err(faults) => Err(faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()),
        }
    }

    fn pointers(order: &PaymentOrder) -> Vec<String> {
        prepared(order).expect_err("a fault").into_iter().map(|(pointer, _)| pointer).collect()
    }

    #[test]
    fn bytes_hold_all_that_is_sent() {
        let write = prepared(&good()).expect("bytes");
        assert_eq!((write.amount.as_str(), write.partner, write.journal), ("400.00", 7, 3));
        assert_eq!((write.direction, write.memo.as_str()), (Direction::FromCustomer, "INV/1 ukey"));
        let pointer = "/line_items/0/related_object_id".to_owned();
        assert_eq!(write.invoice, Some(PaidInvoice { id: 15, account: 6, pointer }));
        let mut on_account = good();
        on_account.allocations.clear();
        on_account.contact = Some(contact(false, true));
        let write = prepared(&on_account).expect("bytes");
        assert_eq!((write.direction, write.partner, write.invoice), (Direction::ToSupplier, 7, None));
    }

    #[test]
    fn what_odoo_cannot_take_is_refused_at_its_place() {
        let mut order = good();
        order.account = account(&json!({"journals": [{"id": 3, "name": "Bank"}, {"id": 4, "name": "Giro"}]}));
        order.amount = "40001".parse().expect("an amount");
        order.currency = "EUR".parse().expect("a currency");
        order.contact = Some(referenced("/contact_id", "8", json!({"addresses": [], "phone_numbers": []}), &json!({})));
        assert_eq!(pointers(&order), ["/account_id", "/total_amount", "/currency", "/contact_id"]);
        let mut order = good();
        order.account = account(&json!({}));
        order.allocations.push(order.allocations[0].clone());
        assert_eq!(pointers(&order), ["/account_id", "/line_items/0/related_object_id"]);
        let mut order = good();
        order.allocations.clear();
        assert_eq!(pointers(&order), ["/contact_id"]);
        for (is_customer, is_supplier) in [(true, true), (false, false)] {
            order.contact = Some(contact(is_customer, is_supplier));
            assert_eq!(pointers(&order), ["/contact_id"]);
        }
    }

    proptest! {
        #[test]
        fn no_record_panics(account_data in record(), invoice_data in record()) {
            let _ = prepared(&order(&account_data, &invoice_data));
        }
    }

    /// Records with our members and any values.
    fn record() -> impl Strategy<Value = Value> {
        const NAMES: &[&str] = &["journals", "commercial_partner_id", "move_type", "name", "open_item_accounts", "id"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((prop::sample::select(NAMES), inner), 0..5).prop_map(|members| {
                    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
                }),
            ]
        })
    }
}
