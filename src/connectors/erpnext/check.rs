//! What a site is, and what it lacks for us.

use serde_json::json;

use super::auth::Site;
use super::record::Record;
use super::{KEY_FIELD, PAYMENT_ENTRY};
use crate::connectors::{Company, Error, SoftwareInfo};
use crate::domain::Currency;

/// What is read beside Payment Entries. Projects, accounting periods and closed books are read where the user may.
const READ: [&str; 11] = [
    "Company",
    "Account",
    "Customer",
    "Supplier",
    "Sales Invoice",
    "Purchase Invoice",
    "Cost Center",
    "Fiscal Year",
    "GL Entry",
    "Payment Ledger Entry",
    PAYMENT_ENTRY,
];

/// What ERPNext makes beside a payment at another rate than that of its invoice, in the name of the same user.
const JOURNAL_ENTRY: &str = "Journal Entry";

/// The state of our field in Payment Entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyField {
    Absent,
    /// It is there, but two payments may have one key.
    NotUnique,
    Unique,
}

pub async fn check(site: &Site) -> Result<SoftwareInfo, Error> {
    site.sign_in().await?;
    let version = version(site).await?;
    let company = company(site).await?;
    let mut missing = Vec::new();
    if !version.starts_with("15.") {
        missing.push(format!("ERPNext has the version {version}; only 15 was tried"));
    }
    for doctype in READ {
        if !site.may(doctype, "read").await? {
            missing.push(format!("the user may not read {doctype}"));
        }
    }
    for right in ["create", "submit"] {
        if !site.may(PAYMENT_ENTRY, right).await? {
            missing.push(format!("the user may not {right} {PAYMENT_ENTRY}"));
        }
    }
    let field = key_field(site).await?;
    match field {
        KeyField::Unique => {}
        KeyField::Absent => missing.push(format!("{PAYMENT_ENTRY} has no field `{KEY_FIELD}`: run `connection setup`")),
        KeyField::NotUnique => missing.push(format!(
            "the field `{KEY_FIELD}` of {PAYMENT_ENTRY} is not unique, so a payment could be made twice: run \
             `connection setup`"
        )),
    }
    let currencies = currencies(site, &company).await?;
    if currencies.iter().any(|currency| *currency != company.currency) {
        for right in ["create", "write", "submit"] {
            if !site.may(JOURNAL_ENTRY, right).await? {
                missing.push(format!(
                    "the user may not {right} {JOURNAL_ENTRY}, which ERPNext makes for the exchange gain or loss of a \
                     payment in another currency than {}",
                    company.currency.code()
                ));
            }
        }
    }
    missing.extend(currencies.into_iter().filter_map(inexact));
    Ok(SoftwareInfo { version, company, missing, needs_setup: field != KeyField::Unique })
}

/// Makes our field, or makes it unique. Only a System Manager may.
pub async fn setup(site: &Site) -> Result<(), Error> {
    match key_field(site).await? {
        KeyField::Unique => return Ok(()),
        KeyField::Absent => {
            let field = json!({
                "dt": PAYMENT_ENTRY, "fieldname": KEY_FIELD, "label": "Unified Key", "fieldtype": "Data",
                "insert_after": "reference_no", "unique": 1, "no_copy": 1, "read_only": 1,
            });
            site.insert("Custom Field", field.to_string().as_bytes()).await.map_err(by_hand)?;
        }
        KeyField::NotUnique => {
            let field = format!("{PAYMENT_ENTRY}-{KEY_FIELD}");
            site.change("Custom Field", &field, "unique", &json!(1)).await.map_err(by_hand)?;
        }
    }
    match key_field(site).await? {
        KeyField::Unique => Ok(()),
        field => Err(Error::Unsupported(format!("the field `{KEY_FIELD}` was made and is {field:?}"))),
    }
}

fn by_hand(error: Error) -> Error {
    match error {
        Error::Unauthorized(text) => Error::Unauthorized(format!(
            "{text}: a System Manager must make the custom field `{KEY_FIELD}` of {PAYMENT_ENTRY}, of the type Data and \
             unique"
        )),
        error => error,
    }
}

async fn version(site: &Site) -> Result<String, Error> {
    let versions = site.call("frappe.utils.change_log.get_versions", &json!({})).await?;
    let erpnext = Record::read(&versions).and_then(|versions| versions.record("erpnext")?.text("version"));
    erpnext.ok_or_else(|| Error::Unsupported("this Frappe site has no ERPNext".to_owned()))
}

/// The company that was named, or the only one.
async fn company(site: &Site) -> Result<Company, Error> {
    let rows = site.list(json!({
        "doctype": "Company", "fields": ["name", "company_name", "default_currency"], "order_by": "name asc",
        "limit_page_length": 0,
    }));
    let rows = rows.await?;
    let of = |row: &Record<'_>| {
        let (remote_id, name) = (row.text("name")?.parse().ok()?, row.text("company_name")?);
        Some(Company { remote_id, name, currency: row.text("default_currency")?.parse().ok()? })
    };
    let companies: Vec<_> = rows.iter().filter_map(|row| of(&Record::read(row)?)).collect();
    match (&site.company, companies.as_slice()) {
        (_, []) => Err(Error::Unsupported("ERPNext shows this user no company".to_owned())),
        (None, [only]) => Ok(only.clone()),
        (chosen, all) => {
            let found = all.iter().find(|company| Some(&company.remote_id) == chosen.as_ref()).cloned();
            let names = all.iter().map(|company| company.remote_id.as_str().to_owned()).collect();
            found.ok_or(Error::Choose { option: "--company", names })
        }
    }
}

/// Looks at the description of Payment Entry, which everybody who may read payments gets.
async fn key_field(site: &Site) -> Result<KeyField, Error> {
    let described = site.description(PAYMENT_ENTRY).await?;
    let fields = described.iter().filter_map(|document| Record::read(document));
    let fields = fields.filter(|document| document.text("name").as_deref() == Some(PAYMENT_ENTRY));
    let field = fields
        .flat_map(|document| document.records("fields"))
        .find(|field| field.text("fieldname").as_deref() == Some(KEY_FIELD));
    Ok(match field {
        None => KeyField::Absent,
        Some(field) if field.is_set("unique") => KeyField::Unique,
        Some(_) => KeyField::NotUnique,
    })
}

/// The currencies of the accounts that the company uses.
async fn currencies(site: &Site, company: &Company) -> Result<Vec<Currency>, Error> {
    let rows = site.list(json!({
        "doctype": "Account", "fields": ["account_currency"],
        "filters": [["company", "=", company.remote_id.as_str()], ["is_group", "=", 0], ["disabled", "=", 0]],
        "group_by": "account_currency", "order_by": "account_currency asc", "limit_page_length": 0,
    }));
    Ok(rows.await?.iter().filter_map(|row| Record::read(row)?.text("account_currency")?.parse().ok()).collect())
}

/// A sentence about a currency that has other than two decimal places: ERPNext rounds all amounts to the same number
/// of places, which is 2 unless the site says otherwise.
fn inexact(currency: Currency) -> Option<String> {
    let (code, places) = (currency.code(), currency.minor_units().filter(|places| *places != 2)?);
    Some(format!(
        "{code} has {places} decimal places: ERPNext rounds to 2 unless its Currency Precision says otherwise"
    ))
}
