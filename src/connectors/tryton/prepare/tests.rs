//! What becomes of payments before anything is sent.

use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::prepare;
use crate::connectors::{Allocation, PaymentOrder, PreparedWrite, Referenced};
use crate::domain::references::{Account, Contact, Invoice};
use crate::domain::{ConnectionId, Currency, MinorUnits, PaymentId, WriteKey};

fn referenced<T: serde::de::DeserializeOwned>(pointer: &str, id: &str, fields: Value, record: &Value) -> Referenced<T> {
    Referenced {
        pointer: pointer.to_owned(),
        remote_id: id.parse().expect("an id"),
        fields: serde_json::from_value(fields).expect("fields"),
        remote_data: to_raw_value(record).expect("JSON"),
    }
}

fn invoice(pointer: &str, total: i64) -> Referenced<Invoice> {
    let fields = json!({
        "type": "ACCOUNTS_RECEIVABLE", "currency": "USD", "total_amount": total, "tracking_categories": [],
        "line_items": [],
    });
    let record = json!({"id": 4, "party": 2, "company": 1, "currency.": {"id": 9, "code": "USD", "digits": 2}});
    referenced(pointer, "4", fields, &record)
}

fn account(methods: &Value) -> Referenced<Account> {
    let record = json!({"id": 35, "payment_methods": methods});
    referenced("/account_id", "35", json!({"name": "Main bank", "is_payment_account": true}), &record)
}

fn units(amount: i64) -> MinorUnits {
    amount.try_into().expect("an amount")
}

fn bank() -> Value {
    json!([{"id": 1, "name": "Bank", "debit_account": 35, "credit_account": 36}])
}

/// 400.00 USD for an invoice of 1,000.00.
fn order(methods: &Value) -> PaymentOrder {
    PaymentOrder {
        date: "2026-11-26".parse().expect("a date"),
        amount: units(40_000),
        currency: "USD".parse().expect("a currency"),
        digits: 2,
        allocations: vec![Allocation { invoice: invoice("/invoice_id", 100_000), amount: units(40_000) }],
        account: account(methods),
        contact: None,
        exchange_rate: None,
        base_currency: None,
        company: None,
    }
}

fn key() -> WriteKey {
    WriteKey::new(ConnectionId(uuid::Uuid::nil()), PaymentId(uuid::Uuid::nil()), None)
}

/// The pointers and codes of the faults.
fn faults(order: &PaymentOrder) -> Vec<(String, String)> {
    let faults = prepare(order, &key()).expect_err("faults");
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

fn fault(pointer: &str, code: &str) -> Vec<(String, String)> {
    vec![(pointer.to_owned(), code.to_owned())]
}

#[test]
fn same_order_and_key_give_the_same_bytes() {
    let PreparedWrite { bytes, invoices } = prepare(&order(&bank()), &key()).expect("a write");
    let written = format!(
        r#"{{"key":"{}","company":1,"invoice":4,"payee":2,"amount":"400.00","currency":9,"method":1,"date":"2026-11-26"}}"#,
        key()
    );
    assert_eq!(String::from_utf8_lossy(&bytes), written);
    assert_eq!(invoices, ["4".parse().expect("an id")]);
    assert_eq!(prepare(&order(&bank()), &key()).expect("a write").bytes, bytes);
}

#[test]
fn account_needs_exactly_one_method_of_the_payments_direction() {
    assert_eq!(faults(&order(&json!([]))), fault("/account_id", "no_payment_method"));
    let supplier_only = json!([{"id": 1, "name": "Bank", "debit_account": 36, "credit_account": 35}]);
    assert_eq!(faults(&order(&supplier_only)), fault("/account_id", "no_payment_method"));
    let two = json!([
        {"id": 1, "name": "Card", "debit_account": 35, "credit_account": 35},
        {"id": 2, "name": "Cheque", "debit_account": 35, "credit_account": null},
    ]);
    let refused = prepare(&order(&two), &key()).expect_err("faults");
    assert_eq!(refused[0].code, "ambiguous_payment_method");
    assert!(refused[0].detail.contains("\"Card\", \"Cheque\""), "{}", refused[0].detail);
    // To a supplier only one of them pays from this account.
    let mut bill = order(&two);
    bill.allocations[0].invoice.fields.kind = Some(crate::domain::references::InvoiceKind::AccountsPayable);
    assert!(prepare(&bill, &key()).is_ok());
}

#[test]
fn shapes_that_are_no_single_entry_of_tryton_are_refused() {
    let mut on_account = order(&bank());
    on_account.allocations.clear();
    assert_eq!(faults(&on_account), fault("/invoice_id", "required"));
    let mut several = order(&bank());
    several.allocations.push(Allocation { invoice: invoice("/line_items/1/related_object_id", 1), amount: units(1) });
    assert_eq!(faults(&several), fault("/line_items/1/related_object_id", "not_supported_by_software"));
    let mut larger = order(&bank());
    larger.allocations[0].amount = units(39_999);
    assert_eq!(faults(&larger), fault("/total_amount", "not_supported_by_software"));
    let mut credit_note = order(&bank());
    credit_note.allocations[0].invoice = invoice("/invoice_id", -100_000);
    assert_eq!(faults(&credit_note), fault("/invoice_id", "not_supported_by_software"));
}

#[test]
fn currency_is_the_invoices_and_has_trytons_digits() {
    let mut other = order(&bank());
    other.currency = "EUR".parse().expect("a currency");
    assert_eq!(faults(&other), fault("/currency", "not_supported_by_software"));
    let mut dinar = order(&bank());
    dinar.currency = "KWD".parse().expect("a currency");
    dinar.digits = 3;
    dinar.allocations[0].invoice.fields.currency = "KWD".parse::<Currency>().ok();
    dinar.amount = units(1_230);
    dinar.allocations[0].amount = dinar.amount;
    assert!(prepare(&dinar, &key()).is_ok());
    // This Tryton keeps two digits of it, and would book another amount.
    dinar.amount = units(1_234);
    dinar.allocations[0].amount = dinar.amount;
    assert_eq!(faults(&dinar), fault("/total_amount", "not_supported_by_software"));
}

#[test]
fn contact_must_be_the_one_of_the_invoice() {
    let contact = |id| -> Option<Referenced<Contact>> {
        Some(referenced("/contact_id", id, json!({"addresses": [], "phone_numbers": []}), &json!({})))
    };
    assert!(prepare(&PaymentOrder { contact: contact("2"), ..order(&bank()) }, &key()).is_ok());
    let other = PaymentOrder { contact: contact("3"), ..order(&bank()) };
    assert_eq!(faults(&other), fault("/contact_id", "contradiction"));
}

#[test]
fn record_that_cannot_be_read_is_a_fault_of_the_reference() {
    let mut strange = order(&bank());
    strange.allocations[0].invoice.remote_data = to_raw_value(&json!({"party": "2"})).expect("JSON");
    assert_eq!(faults(&strange), fault("/invoice_id", "unknown_reference"));
    let mut strange = order(&bank());
    strange.account.remote_data = to_raw_value(&json!(["?"])).expect("JSON");
    assert_eq!(faults(&strange), fault("/account_id", "no_payment_method"));
}
