//! The company (`company.company`).

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Code, Links};
use crate::connectors::json::{or_none, read as read_json, text_or_none};
use crate::connectors::tryton::Books;
use crate::connectors::tryton::values::{Date, DateTimeOfDay, Timestamp, date};
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::RemoteId;
use crate::domain::references::CompanyInfo;

pub const FIELDS: &[&str] = &[
    "_timestamp",
    "create_date",
    "timezone",
    "currency.code",
    "party.name",
    "party.website",
    "party.tax_identifier.code",
    "party._timestamp",
];

#[derive(Deserialize)]
struct Record {
    id: i64,
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    #[serde(default, deserialize_with = "or_none")]
    create_date: Option<DateTimeOfDay>,
    #[serde(rename = "currency.")]
    currency: Code,
    #[serde(rename = "party.")]
    party: Party,
    #[serde(default, deserialize_with = "or_none")]
    fiscal_year: Option<FiscalYear>,
}

#[derive(Deserialize)]
struct Party {
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    #[serde(default, deserialize_with = "text_or_none")]
    name: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    website: Option<String>,
    #[serde(rename = "tax_identifier.", default, deserialize_with = "or_none")]
    tax_identifier: Option<Code>,
}

#[derive(Deserialize)]
struct FiscalYear {
    end_date: Date,
}

/// The fiscal year in which the company is today, by Tryton's calendar; `null` where there is none.
pub async fn fiscal_year(books: &Books, company: i64) -> Result<Value, Error> {
    let today: Date = books.rpc.call("model.ir.date.today", json!([Books::context(company)])).await?;
    let today = today.naive().map(date);
    let domain = json!([["company", "=", company], ["start_date", "<=", today], ["end_date", ">=", today]]);
    let mut found: Vec<Value> =
        books.search("account.fiscalyear", company, domain, &["name", "end_date", "state"], None).await?;
    Ok(found.pop().unwrap_or_default())
}

pub fn read(_: &Links, record: &RawValue) -> Result<RemoteObject, Error> {
    let company: Record = read_json(record.get().as_bytes())?;
    let year_end = company.fiscal_year.and_then(|year| year.end_date.naive());
    let fields = CompanyInfo {
        legal_name: company.party.name.clone(),
        name: company.party.name,
        tax_number: company.party.tax_identifier.map(|identifier| identifier.code),
        fiscal_year_end_month: year_end.and_then(|end| u8::try_from(chrono::Datelike::month(&end)).ok()),
        fiscal_year_end_day: year_end.and_then(|end| u8::try_from(chrono::Datelike::day(&end)).ok()),
        currency: company.currency.code.parse().ok(),
        urls: company.party.website.into_iter().collect(),
        tracking_categories: Vec::new(),
        // It has accounting periods.
        locked_until: None,
        remote_created_at: company.create_date.and_then(|moment| moment.utc()),
    };
    Ok(RemoteObject {
        remote_id: RemoteId::from(company.id),
        fields: Fields::CompanyInfo(fields),
        remote_data: record.to_owned(),
        remote_updated_at: super::super::values::newest([&company.timestamp, &company.party.timestamp]),
    })
}
