//! What becomes of a payment in the words of the software. The program is this test's own, because each rule needs books
//! and capabilities that no one real program has.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_compose, prop_oneof, proptest};
use serde_json::{Value, json};
use uuid::Uuid;

use super::loader::Books;
use super::members;
use super::order::order;
use super::referred::Referred;
use crate::accounting::payments::PaymentData;
use crate::accounting::references::{Object, Software};
use crate::connectors::{
    Capabilities, Connector, ExactlyOnce, Fault, Member, PaymentOrder, PreparedWrite, Provider, Target,
};
use crate::domain::references::Resource;
use crate::domain::{ReferenceId, WriteKey};
use crate::http::request::{Limits, json::parse};
use crate::outgoing::Client;

/// A program with these capabilities.
#[derive(Debug)]
struct Program(Capabilities);

impl Provider for Program {
    fn slug(&self) -> &'static str {
        "program"
    }

    fn name(&self) -> &'static str {
        "Program"
    }

    fn capabilities(&self) -> &'static Capabilities {
        // Each test makes a few programs, and the process ends with it.
        Box::leak(Box::new(self.0))
    }

    fn prepare(&self, _: &PaymentOrder, _: &WriteKey) -> Result<PreparedWrite, Vec<Fault>> {
        unreachable!("an order is made before anything is prepared")
    }

    fn connect(&self, _: Target, _: Client) -> Box<dyn Connector> {
        unreachable!("nothing is sent")
    }
}

const GENEROUS: Capabilities = Capabilities {
    exactly_once: ExactlyOnce::UniqueKey,
    members: &[],
    customer_payments: true,
    supplier_payments: true,
    max_allocations: 3,
    on_account: true,
    partly_on_account: true,
    takes_exchange_rate: true,
    reads_payments: true,
    max_in_flight: 1,
    timeout: Duration::from_secs(30),
    needs_setup: false,
};
const STRICT: Capabilities = Capabilities {
    members: &[
        Member { name: "type", required: true, ignored: false, max_length: Some(5) },
        Member { name: "field_mappings", required: false, ignored: true, max_length: None },
        Member { name: "exchange_rate", required: false, ignored: true, max_length: None },
    ],
    supplier_payments: false,
    max_allocations: 1,
    on_account: false,
    partly_on_account: false,
    takes_exchange_rate: false,
    ..GENEROUS
};

fn software(capabilities: Capabilities) -> Software {
    Software {
        provider: Box::leak(Box::new(Program(capabilities))),
        company: Some("company".parse().expect("an id")),
        base_currency: Some("EUR".parse().expect("a currency")),
        may_be_called: true,
    }
}

/// The id of an object of the books below.
fn id(n: u128) -> String {
    Uuid::from_u128(n).to_string()
}

/// Invoices of two contacts, a bill, one that is paid, one in another currency, a credit note; an account; companies.
fn referred() -> Referred {
    let invoice = |n: u128, changes: Value| {
        let mut fields = json!({
            "type": "ACCOUNTS_RECEIVABLE", "number": n.to_string(), "memo": null, "issue_date": null, "due_date": null,
            "paid_on_date": null, "contact_id": id(21), "currency": "EUR", "exchange_rate": null, "sub_total": null,
            "total_discount": null, "total_tax_amount": null, "total_amount": 1_000, "balance": 1_000,
            "status": "Open", "accounting_period_id": null, "tracking_categories": [], "line_items": [],
        });
        fields.as_object_mut().expect("members").extend(changes.as_object().expect("members").clone());
        (Resource::Invoice, n, fields)
    };
    let contact = |n| {
        let fields = json!({ "name": null, "is_customer": null, "is_supplier": null, "email_address": null,
            "tax_number": null, "status": null, "currency": null, "company_info_id": null, "addresses": [],
            "phone_numbers": [] });
        (Resource::Contact, n, fields)
    };
    let company = |n| {
        let fields = json!({ "name": null, "legal_name": null, "tax_number": null, "fiscal_year_end_month": null,
            "fiscal_year_end_day": null, "currency": null, "urls": [], "tracking_categories": [],
            "locked_until": null, "remote_created_at": null });
        (Resource::CompanyInfo, n, fields)
    };
    let account = json!({ "name": null, "description": null, "classification": null, "type": null, "status": null,
        "current_balance": null, "currency": null, "account_number": null, "parent_account": null,
        "company_info_id": null, "is_payment_account": true });
    let objects = [
        invoice(1, json!({})),
        invoice(2, json!({ "status": "PartiallyPaid" })),
        invoice(3, json!({ "contact_id": id(22) })),
        invoice(4, json!({ "type": "ACCOUNTS_PAYABLE" })),
        invoice(5, json!({ "status": "Paid" })),
        invoice(6, json!({ "currency": "USD" })),
        invoice(7, json!({ "total_amount": -1_000 })),
        invoice(8, json!({ "status": null })),
        invoice(9, json!({})),
        invoice(10, json!({})),
        (Resource::Account, 11, account),
        contact(21),
        contact(22),
        company(31),
        company(32),
    ];
    let raw = |value: &Value| serde_json::value::to_raw_value(value).expect("JSON");
    let read = objects.into_iter().map(|(resource, n, fields)| {
        let remote_id = if n == 31 { "company".to_owned() } else { format!("remote {n}") };
        Object {
            id: ReferenceId(Uuid::from_u128(n)),
            resource,
            remote_id: remote_id.parse().expect("an id"),
            fields: raw(&fields),
            remote_data: raw(&json!({})),
        }
    });
    Referred::new(read.collect()).expect("rows that fit")
}

fn data(body: &Value) -> PaymentData {
    let limits = Limits { max_body_bytes: 1_000_000, max_line_items: 1_000, body_timeout: Duration::from_secs(1) };
    parse(body.to_string().as_bytes(), &limits).expect("a body").value
}

/// The order of a body, or the pointers and codes of its faults.
fn ordered(body: &Value, capabilities: Capabilities) -> Result<PaymentOrder, BTreeSet<(String, String)>> {
    let order = order(&data(body), &Books { software: software(capabilities), referred: referred() });
    order.map_err(|faults| faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect())
}

/// A payment of invoice 1 that every program takes.
fn whole() -> Value {
    json!({ "invoice_id": id(1), "account_id": id(11), "total_amount": 1_000, "currency": "EUR",
            "transaction_date": "2026-11-26T23:30:00-05:00", "type": "Card" })
}

/// That payment with other members; null takes one away.
fn with(changes: &Value) -> Value {
    let mut body = whole();
    body.as_object_mut().expect("members").extend(changes.as_object().expect("members").clone());
    body
}

fn part(invoice: u128, amount: i64) -> Value {
    json!({ "related_object_id": id(invoice), "applied_amount": amount })
}

#[track_caller]
fn assert_faults(changes: &Value, capabilities: Capabilities, expected: &[(&str, &str)]) {
    let expected: BTreeSet<_> =
        expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
    let found = ordered(&with(changes), capabilities).err().unwrap_or_default();
    assert_eq!(found, expected, "{changes}");
}

#[test]
fn invoice_alone_is_paid_with_the_whole_amount() {
    let order = ordered(&whole(), STRICT).expect("an order");
    let [allocation] = &order.allocations[..] else { panic!("{order:?}") };
    assert_eq!((allocation.amount.get(), allocation.invoice.remote_id.as_str()), (1_000, "remote 1"));
    assert_eq!(allocation.invoice.pointer, "/invoice_id");
    assert_eq!((order.account.remote_id.as_str(), order.account.pointer.as_str()), ("remote 11", "/account_id"));
    assert_eq!(order.date.to_string(), "2026-11-26", "the calendar date as it was written");
    assert_eq!((order.amount.get(), order.currency.code(), order.digits), (1_000, "EUR", 2));
    assert_eq!(order.company.as_ref().map(ToString::to_string), Some("company".to_owned()));
    assert_eq!(order.base_currency.map(crate::domain::currency::Currency::code), Some("EUR"));
}

#[test]
fn line_items_pay_their_invoices_with_their_parts() {
    let lines = json!([part(1, 300), { "name": "a note" }, part(2, 200)]);
    let body = with(&json!({ "line_items": lines, "contact_id": id(21), "company_info_id": id(31) }));
    let order = ordered(&body, GENEROUS).expect("an order");
    let parts = order.allocations.iter();
    let parts: Vec<_> = parts.map(|part| (part.invoice.pointer.as_str(), part.amount.get())).collect();
    assert_eq!(parts, [("/line_items/0/related_object_id", 300), ("/line_items/2/related_object_id", 200)]);
    assert_eq!(order.contact.map(|contact| contact.remote_id.to_string()), Some("remote 21".to_owned()));
}

#[test]
fn nothing_that_software_needs_is_guessed() {
    for name in ["total_amount", "currency", "transaction_date", "account_id"] {
        assert_faults(&json!({ name: null }), GENEROUS, &[(&format!("/{name}"), "required")]);
    }
    assert_faults(&json!({ "type": null }), STRICT, &[("/type", "required")]);
    assert_faults(&json!({ "type": "Cheque" }), STRICT, &[("/type", "too_long")]);
    assert_faults(&json!({ "total_amount": 0 }), GENEROUS, &[("/total_amount", "not_positive")]);
    assert_faults(
        &json!({ "currency": "XAU" }),
        GENEROUS,
        &[("/currency", "not_supported_by_software"), ("/invoice_id", "currency_mismatch")],
    );
    assert_faults(&json!({ "invoice_id": null }), STRICT, &[("/invoice_id", "required")]);
    assert_faults(&json!({ "invoice_id": null }), GENEROUS, &[("/contact_id", "required")]);
    assert!(ordered(&with(&json!({ "invoice_id": null, "contact_id": id(21) })), GENEROUS).is_ok());
    let half = json!({ "line_items": [{ "applied_amount": 1 }, { "related_object_id": id(1) }], "invoice_id": null });
    let expected = [("/line_items/0/related_object_id", "required"), ("/line_items/1/applied_amount", "required")];
    assert_faults(&half, GENEROUS, &expected);
}

#[test]
fn unknown_ids_are_found_at_their_pointers() {
    let unknown = json!({ "account_id": id(1), "contact_id": id(99), "invoice_id": id(11), "company_info_id": id(98) });
    let pointers = ["/account_id", "/contact_id", "/invoice_id", "/company_info_id"];
    assert_faults(&unknown, GENEROUS, &pointers.map(|pointer| (pointer, "unknown_reference")));
    let lines = json!({ "line_items": [part(1, 1), part(97, 1)] });
    assert_faults(&lines, GENEROUS, &[("/line_items/1/related_object_id", "unknown_reference")]);
}

#[test]
fn only_open_invoices_of_the_offered_kinds_are_paid() {
    assert_faults(&json!({ "invoice_id": id(5) }), GENEROUS, &[("/invoice_id", "not_payable")]);
    assert_faults(&json!({ "invoice_id": id(8) }), GENEROUS, &[("/invoice_id", "not_payable")]);
    assert_faults(&json!({ "invoice_id": id(6) }), GENEROUS, &[("/invoice_id", "currency_mismatch")]);
    assert_faults(&json!({ "invoice_id": id(7) }), GENEROUS, &[("/invoice_id", "not_supported_by_software")]);
    assert_faults(&json!({ "invoice_id": id(4) }), STRICT, &[("/invoice_id", "not_supported_by_software")]);
    assert!(ordered(&with(&json!({ "invoice_id": id(4) })), GENEROUS).is_ok());
}

#[test]
fn members_that_contradict_each_other_are_refused() {
    assert_faults(&json!({ "contact_id": id(22) }), GENEROUS, &[("/contact_id", "contradiction")]);
    assert_faults(&json!({ "company_info_id": id(32) }), GENEROUS, &[("/company_info_id", "contradiction")]);
    assert_faults(&json!({ "line_items": [part(2, 1)] }), GENEROUS, &[("/invoice_id", "contradiction")]);
    let mixed = "/line_items/1/related_object_id";
    assert_faults(&json!({ "line_items": [part(1, 1), part(3, 1)] }), GENEROUS, &[(mixed, "mixed_invoices")]);
    assert_faults(&json!({ "line_items": [part(1, 1), part(4, 1)] }), GENEROUS, &[(mixed, "mixed_invoices")]);
    assert_faults(&json!({ "line_items": [part(1, 1), part(1, 1)] }), GENEROUS, &[(mixed, "duplicate_allocation")]);
    let mut of_a_bill = part(1, 1);
    of_a_bill["related_object_type"] = json!("bill");
    let kind = [("/line_items/0/related_object_type", "not_supported_by_software")];
    assert_faults(&json!({ "line_items": [of_a_bill.clone()] }), GENEROUS, &kind);
    of_a_bill["related_object_type"] = json!("Invoice");
    assert!(ordered(&with(&json!({ "line_items": [of_a_bill] })), GENEROUS).is_ok());
}

#[test]
fn allocations_fit_into_the_amount_and_the_software() {
    assert_faults(
        &json!({ "line_items": [part(1, 600), part(2, 401)] }),
        GENEROUS,
        &[("/total_amount", "over_allocated")],
    );
    assert_faults(&json!({ "line_items": [part(1, 999)] }), STRICT, &[("/total_amount", "under_allocated")]);
    let zero = [("/line_items/0/applied_amount", "not_positive")];
    assert_faults(&json!({ "line_items": [part(1, 0)] }), GENEROUS, &zero);
    let four = json!({ "line_items": [part(1, 1), part(2, 1), part(9, 1), part(10, 1)] });
    assert_faults(&four, GENEROUS, &[("/line_items", "too_many_items")]);
}

#[test]
fn ignored_members_are_named_in_warnings() {
    let body =
        with(&json!({ "exchange_rate": "1.2", "field_mappings": { "a": 1 }, "line_items": [{}, { "name": "b" }] }));
    let pointers = |capabilities: &Capabilities| -> Vec<String> {
        members::warnings(&data(&body), capabilities).into_iter().map(|warning| warning.pointer).collect()
    };
    assert_eq!(pointers(&STRICT), ["/exchange_rate", "/field_mappings", "/line_items/0"]);
    assert_eq!(pointers(&GENEROUS), ["/line_items/0"]);
    assert!(members::warnings(&data(&whole()), &STRICT).is_empty());
    assert_eq!(ordered(&body, STRICT).expect("an order").exchange_rate, None, "what is ignored is not sent");
}

/// A member of the books, or none of them.
fn some_id() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Null), (1..35u128).prop_map(|n| json!(id(n)))]
}

fn some_amount() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Null), (-5..1_200i64).prop_map(Value::from)]
}

prop_compose! {
    fn some_body()(
        ids in [some_id(), some_id(), some_id(), some_id()], total in some_amount(),
        currency in prop_oneof![Just("EUR"), Just("USD"), Just("XAU")],
        lines in proptest::collection::vec((some_id(), some_amount()), 0..5),
    ) -> Value {
        let [invoice_id, account_id, contact_id, company_info_id] = ids;
        let lines: Vec<_> =
            lines.into_iter().map(|(id, amount)| json!({ "related_object_id": id, "applied_amount": amount })).collect();
        with(&json!({ "invoice_id": invoice_id, "account_id": account_id, "contact_id": contact_id, "currency": currency,
                     "company_info_id": company_info_id, "total_amount": total, "line_items": lines }))
    }
}

proptest! {
    #[test]
    fn order_never_pays_more_than_it_says(body in some_body(), is_strict: bool) {
        let capabilities = if is_strict { STRICT } else { GENEROUS };
        match ordered(&body, capabilities) {
            Ok(order) => {
                let applied: i64 = order.allocations.iter().map(|part| part.amount.get()).sum();
                prop_assert!(order.amount.get() > 0 && applied <= order.amount.get());
                prop_assert!(order.allocations.iter().all(|part| part.amount.get() > 0));
                prop_assert!(order.allocations.len() <= capabilities.max_allocations);
                let invoices: BTreeSet<_> = order.allocations.iter().map(|part| &part.invoice.remote_id).collect();
                prop_assert_eq!(invoices.len(), order.allocations.len(), "each invoice once");
                let fields: Vec<_> = order.allocations.iter().map(|part| &part.invoice.fields).collect();
                let alike = fields.windows(2).all(|two| {
                    (two[0].kind, two[0].contact_id, two[0].currency) == (two[1].kind, two[1].contact_id, two[1].currency)
                });
                prop_assert!(alike, "one kind, contact and currency");
            }
            Err(faults) => prop_assert!(!faults.is_empty(), "a refusal has a reason"),
        }
    }
}
