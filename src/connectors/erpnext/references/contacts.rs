//! Customers and suppliers.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::pages::Kind;
use crate::connectors::erpnext::auth::Site;
use crate::connectors::erpnext::id;
use crate::connectors::erpnext::record::Record;
use crate::connectors::json;
use crate::connectors::{Error, Fields, RemoteKey, RemoteObject};
use crate::domain::references::{Contact, Resource};

/// The member of a contact's record that we add: the account that a payment on account is booked on, which ERPNext
/// finds in the party, its group or the company.
pub const PARTY_ACCOUNT: &str = "unibooks_party_account";
/// And its currency.
pub const PARTY_ACCOUNT_CURRENCY: &str = "unibooks_party_account_currency";

/// The most questions at a time: each is about one party.
const AT_ONCE: usize = 4;

const COMMON: [&str; 8] =
    ["name", "tax_id", "disabled", "default_currency", "email_id", "mobile_no", "creation", "modified"];
/// The address and the telephone number come from the primary Contact, whose change does not move `modified`.
const STAMP: &[&str] = &["modified", "disabled", "default_currency", "email_id", "mobile_no", "tax_id"];

pub fn kinds() -> [Kind; 2] {
    ["Customer", "Supplier"].map(|doctype| Kind { doctype, stamp: STAMP, filters: Value::Array(Vec::new()) })
}

pub async fn read(site: &Site, keys: &[RemoteKey]) -> Result<Vec<RemoteObject>, Error> {
    let mut objects = Vec::new();
    for (doctype, name_field) in [("Customer", "customer_name"), ("Supplier", "supplier_name")] {
        let ids = keys.iter().map(|key| id::split(&key.remote_id)).filter(|id| id.0 == doctype);
        let names: Vec<_> = ids.map(|id| id.1).collect();
        if names.is_empty() {
            continue;
        }
        let fields: Vec<_> = COMMON.iter().chain([&name_field]).collect();
        let rows = site.list(json!({
            "doctype": doctype, "fields": fields, "filters": [["name", "in", names]], "order_by": "name asc",
            "limit_page_length": 0,
        }));
        let rows = rows.await?;
        let rows: Vec<_> = rows.iter().filter_map(|row| Record::read(row)).collect();
        let mut accounts = Vec::with_capacity(rows.len());
        for rows in rows.chunks(AT_ONCE) {
            accounts.extend(try_join_all(rows.iter().map(|row| account(site, doctype, row))).await?);
        }
        let currencies = currencies(site, accounts.iter().flatten().map(String::as_str)).await?;
        for (row, account) in rows.iter().zip(&accounts) {
            objects.extend(object(site, doctype, name_field, row, account.as_ref(), &currencies).await?);
        }
    }
    Ok(objects)
}

async fn object(
    site: &Site,
    doctype: &str,
    name_field: &str,
    row: &Record<'_>,
    account: Option<&String>,
    currencies: &BTreeMap<String, String>,
) -> Result<Option<RemoteObject>, Error> {
    let Some(remote_id) = row.text("name").and_then(|name| id::join(doctype, &name)) else { return Ok(None) };
    let status = if row.is_set("disabled") { "Archived" } else { "Active" };
    let contact = Contact {
        name: row.text(name_field),
        is_customer: Some(doctype == "Customer"),
        is_supplier: Some(doctype == "Supplier"),
        email_address: row.text("email_id"),
        tax_number: row.text("tax_id"),
        status: Some(status.to_owned()),
        currency: row.text("default_currency").and_then(|code| code.parse().ok()),
        company_info_id: site.company.as_ref().map(|company| site.id(Resource::CompanyInfo, company)),
        addresses: Vec::new(),
        phone_numbers: row.text("mobile_no").into_iter().collect(),
    };
    let currency = account.and_then(|account| currencies.get(account));
    Ok(Some(RemoteObject {
        remote_id,
        fields: Fields::Contact(contact),
        remote_data: with_texts(row.raw, &[(PARTY_ACCOUNT, account), (PARTY_ACCOUNT_CURRENCY, currency)]),
        remote_updated_at: site.moment(row.text("modified").as_deref()).await?,
    }))
}

fn with_texts(row: &RawValue, texts: &[(&str, Option<&String>)]) -> Box<RawValue> {
    texts.iter().fold(row.to_owned(), |row, (name, text)| {
        let text = to_raw_value(text).unwrap_or_default();
        json::with_member(&row, name, &text)
    })
}

/// The account of a party, by ERPNext's own function: only it knows all the rules. `None` where it finds none, and
/// then nothing can be paid on account.
async fn account(site: &Site, doctype: &str, row: &Record<'_>) -> Result<Option<String>, Error> {
    let arguments = json!({"party_type": doctype, "party": row.text("name"), "company": site.company()?});
    match site.call("erpnext.accounts.party.get_party_account", &arguments).await {
        Ok(found) => Ok(serde_json::from_str(found.get()).ok()),
        Err(Error::Unsupported(_) | Error::Protocol(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The currencies of accounts, by their names.
async fn currencies(site: &Site, accounts: impl Iterator<Item = &str>) -> Result<BTreeMap<String, String>, Error> {
    let accounts: BTreeSet<_> = accounts.collect();
    let rows = site.list(json!({
        "doctype": "Account", "fields": ["name", "account_currency"], "filters": [["name", "in", accounts]],
        "order_by": "name asc", "limit_page_length": 0,
    }));
    let of = |row: &Record<'_>| Some((row.text("name")?, row.text("account_currency")?));
    Ok(rows.await?.iter().filter_map(|row| of(&Record::read(row)?)).collect())
}
