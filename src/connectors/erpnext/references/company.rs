//! The company.

use chrono::{Datelike, NaiveDate};
use serde_json::json;

use super::periods::{FiscalYears, closed_until};
use crate::connectors::erpnext::auth::Site;
use crate::connectors::erpnext::record::Record;
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::AccountingDate;
use crate::domain::references::CompanyInfo;

/// Without `modified`: it moves with every sales invoice.
const FIELDS: [&str; 9] = [
    "name",
    "company_name",
    "default_currency",
    "country",
    "tax_id",
    "website",
    "default_bank_account",
    "cost_center",
    "creation",
];

pub async fn read(site: &Site) -> Result<Vec<RemoteObject>, Error> {
    let rows = site.list(json!({
        "doctype": "Company", "fields": FIELDS, "filters": [["name", "=", site.company()?]], "order_by": "name asc",
        "limit_page_length": 0,
    }));
    let rows = rows.await?;
    let Some(row) = rows.first().and_then(|row| Record::read(row)) else { return Ok(Vec::new()) };
    let Some(remote_id) = row.text("name").and_then(|name| name.parse().ok()) else { return Ok(Vec::new()) };
    let year_end = FiscalYears::read(site).await?.last_day();
    let locked_until = frozen_until(site).await?.max(closed_until(site).await?);
    let company = CompanyInfo {
        name: row.text("company_name"),
        legal_name: row.text("company_name"),
        tax_number: row.text("tax_id"),
        fiscal_year_end_month: year_end.and_then(|day| day.month().try_into().ok()),
        fiscal_year_end_day: year_end.and_then(|day| day.day().try_into().ok()),
        currency: row.text("default_currency").and_then(|code| code.parse().ok()),
        urls: row.text("website").into_iter().collect(),
        tracking_categories: Vec::new(),
        locked_until: locked_until.map(AccountingDate),
        remote_created_at: site.moment(row.text("creation").as_deref()).await?,
    };
    let (fields, remote_data) = (Fields::CompanyInfo(company), row.raw.to_owned());
    Ok(vec![RemoteObject { remote_id, fields, remote_data, remote_updated_at: None }])
}

/// The last day of the books that are frozen for the whole site; `None` when there is none, or it may not be read.
async fn frozen_until(site: &Site) -> Result<Option<NaiveDate>, Error> {
    let settings = match site.document("Accounts Settings", "Accounts Settings").await {
        Ok(settings) => settings,
        Err(Error::Unauthorized(_)) => None,
        Err(error) => return Err(error),
    };
    let day = settings.as_deref().and_then(|settings| Record::read(settings)?.text("acc_frozen_upto"));
    let day = day.and_then(|day| day.parse::<NaiveDate>().ok());
    // An empty date is written as the first day of the first year by some of Frappe's functions.
    Ok(day.filter(|day| day.year() > 1))
}
