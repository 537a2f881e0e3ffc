//! Accounts (`account.account`), with the ways of paying that book on them.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::{Code, Id, Links};
use crate::connectors::json::{or_none, read as read_json, text_or_none, with_member};
use crate::connectors::tryton::Books;
use crate::connectors::tryton::prepare::PaymentMethod;
use crate::connectors::tryton::values::{Decimal, Timestamp};
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::RemoteId;
use crate::domain::references::{Account, Classification, Resource};

pub const FIELDS: &[&str] = &[
    "_timestamp",
    "name",
    "code",
    "note",
    "parent",
    "company",
    "closed",
    "active",
    "balance",
    "currency.code",
    "type.name",
    "type.statement",
    "type.assets",
    "type.receivable",
    "type.payable",
    "type.debt",
    "type.revenue",
    "type.expense",
];

#[derive(Deserialize)]
struct Record {
    id: i64,
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    #[serde(default, deserialize_with = "text_or_none")]
    name: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    code: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    note: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    parent: Option<i64>,
    #[serde(default)]
    closed: bool,
    #[serde(default)]
    active: bool,
    #[serde(default, deserialize_with = "or_none")]
    balance: Option<Decimal>,
    #[serde(rename = "currency.", default, deserialize_with = "or_none")]
    currency: Option<Code>,
    #[serde(rename = "type.", default, deserialize_with = "or_none")]
    kind: Option<Kind>,
    #[serde(default)]
    payment_methods: Vec<PaymentMethod>,
}

/// The type of an account (`account.account.type`).
#[expect(clippy::struct_excessive_bools, reason = "they are Tryton's")]
#[derive(Deserialize)]
struct Kind {
    #[serde(default, deserialize_with = "text_or_none")]
    name: Option<String>,
    #[serde(default)]
    assets: bool,
    #[serde(default)]
    receivable: bool,
    #[serde(default)]
    payable: bool,
    #[serde(default)]
    debt: bool,
    #[serde(default)]
    revenue: bool,
    #[serde(default)]
    expense: bool,
}

impl Kind {
    /// Null for the others on the balance sheet: Tryton does not say whether they are liabilities or equity, and charts have
    /// accounts of cash without the mark of an asset.
    fn classification(&self) -> Option<Classification> {
        if self.revenue {
            Some(Classification::Revenue)
        } else if self.expense {
            Some(Classification::Expense)
        } else if self.assets || self.receivable {
            Some(Classification::Asset)
        } else if self.payable || self.debt {
            Some(Classification::Liability)
        } else {
            None
        }
    }
}

/// All ways of paying of a company.
pub async fn payment_methods(books: &Books, company: i64) -> Result<Vec<PaymentMethod>, Error> {
    let domain = json!([["company", "=", company]]);
    let fields = ["name", "debit_account", "credit_account"];
    books.search("account.invoice.payment.method", company, domain, &fields, None).await
}

/// The record with a member `payment_methods`: those that book on the account. A payment needs one, and is prepared without
/// asking Tryton.
pub fn with_methods(record: Box<RawValue>, methods: &[PaymentMethod]) -> Box<RawValue> {
    let Ok(Id { id }) = read_json(record.get().as_bytes()) else { return record };
    let here = |method: &&PaymentMethod| method.debit_account == Some(id) || method.credit_account == Some(id);
    let here: Vec<_> = methods.iter().filter(here).collect();
    match to_raw_value(&here) {
        Ok(methods) => with_member(&record, "payment_methods", &methods),
        Err(_) => record,
    }
}

pub fn read(links: &Links, record: &RawValue) -> Result<RemoteObject, Error> {
    let account: Record = read_json(record.get().as_bytes())?;
    let currency = account.currency.and_then(|currency| currency.code.parse().ok());
    let is_payment_account = !account.payment_methods.is_empty();
    let classification = account.kind.as_ref().and_then(Kind::classification);
    let fields = Account {
        name: account.name,
        description: account.note,
        // Money is paid from and to what the company has.
        classification: classification.or(is_payment_account.then_some(Classification::Asset)),
        kind: account.kind.and_then(|kind| kind.name),
        status: Some(if account.active && !account.closed { "Active" } else { "Archived" }.to_owned()),
        current_balance: account.balance.zip(currency).and_then(|(balance, currency)| balance.minor_units(currency)),
        currency,
        account_number: account.code,
        parent_account: account.parent.map(|parent| links.to(Resource::Account, parent)),
        company_info_id: Some(links.to_company()),
        is_payment_account,
    };
    Ok(RemoteObject {
        remote_id: RemoteId::from(account.id),
        fields: Fields::Account(fields),
        remote_data: record.to_owned(),
        remote_updated_at: account.timestamp.moment(),
    })
}
