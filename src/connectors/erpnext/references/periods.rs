//! Fiscal years, and the accounting periods that close a part of one.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::json;

use crate::connectors::erpnext::auth::Site;
use crate::connectors::erpnext::record::Record;
use crate::connectors::erpnext::{PAYMENT_ENTRY, id};
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::references::{AccountingPeriod, PeriodStatus};
use crate::domain::{AccountingDate, RemoteId};

const FISCAL_YEAR: &str = "Fiscal Year";
const ACCOUNTING_PERIOD: &str = "Accounting Period";

/// The fiscal years of the company.
pub struct FiscalYears(Vec<Year>);

struct Year {
    id: RemoteId,
    start: NaiveDate,
    end: NaiveDate,
    is_disabled: bool,
    object: RemoteObject,
}

impl FiscalYears {
    pub async fn read(site: &Site) -> Result<Self, Error> {
        let company = site.company()?;
        // A year without companies is a year of all of them.
        let companies = site.list(json!({
            "doctype": "Fiscal Year Company", "parent": FISCAL_YEAR, "fields": ["parent", "company"],
            "order_by": "parent asc", "limit_page_length": 0,
        }));
        let (mut restricted, mut ours) = (BTreeSet::new(), BTreeSet::new());
        for row in companies.await? {
            let Some(row) = Record::read(&row) else { continue };
            let Some(year) = row.text("parent") else { continue };
            if row.text("company").as_deref() == Some(company) {
                ours.insert(year.clone());
            }
            restricted.insert(year);
        }
        let rows = site.list(json!({
            "doctype": FISCAL_YEAR,
            "fields": ["name", "year_start_date", "year_end_date", "disabled", "creation", "modified"],
            "order_by": "name asc", "limit_page_length": 0,
        }));
        let (rows, closed_until) = (rows.await?, closed_until(site).await?);
        let mut years = Vec::new();
        for row in &rows {
            let Some(row) = Record::read(row) else { continue };
            let Some(name) = row.text("name").filter(|name| !restricted.contains(name) || ours.contains(name)) else {
                continue;
            };
            let is_disabled = row.is_set("disabled");
            let (Some(id), Some(start), Some(end)) =
                (id::join(FISCAL_YEAR, &name), day(&row, "year_start_date"), day(&row, "year_end_date"))
            else {
                continue;
            };
            let is_closed = is_disabled || closed_until.is_some_and(|closed| end <= closed);
            let period = period(&name, is_closed, start, end);
            let object = object(site, id.clone(), period, &row).await?;
            years.push(Year { id, start, end, is_disabled, object });
        }
        Ok(Self(years))
    }

    /// The year that a day falls into.
    pub fn of(&self, day: NaiveDate) -> Option<&RemoteId> {
        self.0.iter().find(|year| (year.start..=year.end).contains(&day)).map(|year| &year.id)
    }

    /// The last day of the last year.
    pub fn last_day(&self) -> Option<NaiveDate> {
        self.0.iter().filter(|year| !year.is_disabled).map(|year| year.end).max()
    }
}

pub async fn read(site: &Site) -> Result<Vec<RemoteObject>, Error> {
    let mut objects: Vec<_> = FiscalYears::read(site).await?.0.into_iter().map(|year| year.object).collect();
    let rows = site.list_if_allowed(json!({
        "doctype": ACCOUNTING_PERIOD, "fields": ["name", "period_name", "start_date", "end_date", "creation", "modified"],
        "filters": [["company", "=", site.company()?]], "order_by": "name asc", "limit_page_length": 0,
    }));
    let rows = rows.await?.unwrap_or_default();
    let closed = closed_to_payments(site, !rows.is_empty()).await?;
    for row in &rows {
        let Some(row) = Record::read(row) else { continue };
        let Some(name) = row.text("name") else { continue };
        let (Some(id), Some(start), Some(end)) =
            (id::join(ACCOUNTING_PERIOD, &name), day(&row, "start_date"), day(&row, "end_date"))
        else {
            continue;
        };
        let shown = row.text("period_name").unwrap_or_else(|| name.clone());
        objects.push(object(site, id, period(&shown, closed.contains(&name), start, end), &row).await?);
    }
    Ok(objects)
}

/// The accounting periods that take no payments: each closes some kinds of documents and not others.
async fn closed_to_payments(site: &Site, are_there_any: bool) -> Result<BTreeSet<String>, Error> {
    if !are_there_any {
        return Ok(BTreeSet::new());
    }
    let rows = site.list(json!({
        "doctype": "Closed Document", "parent": ACCOUNTING_PERIOD, "fields": ["parent"],
        "filters": [["document_type", "=", PAYMENT_ENTRY], ["closed", "=", 1]], "order_by": "parent asc",
        "limit_page_length": 0,
    }));
    Ok(rows.await?.iter().filter_map(|row| Record::read(row)?.text("parent")).collect())
}

/// The last day of the books that a Period Closing Voucher has closed; `None` when there is none, or it may not be
/// read.
pub async fn closed_until(site: &Site) -> Result<Option<NaiveDate>, Error> {
    let rows = site.list_if_allowed(json!({
        "doctype": "Period Closing Voucher", "fields": ["period_end_date"],
        "filters": [["company", "=", site.company()?], ["docstatus", "=", 1]], "order_by": "period_end_date desc",
        "limit_page_length": 1,
    }));
    let rows = rows.await?.unwrap_or_default();
    Ok(rows.first().and_then(|row| day(&Record::read(row)?, "period_end_date")))
}

fn day(row: &Record<'_>, name: &str) -> Option<NaiveDate> {
    row.text(name)?.parse().ok()
}

fn period(name: &str, is_closed: bool, start: NaiveDate, end: NaiveDate) -> AccountingPeriod {
    AccountingPeriod {
        name: Some(name.to_owned()),
        status: Some(if is_closed { PeriodStatus::Closed } else { PeriodStatus::Open }),
        start_date: Some(AccountingDate(start)),
        end_date: Some(AccountingDate(end)),
    }
}

async fn object(
    site: &Site,
    remote_id: RemoteId,
    period: AccountingPeriod,
    row: &Record<'_>,
) -> Result<RemoteObject, Error> {
    let remote_updated_at = site.moment(row.text("modified").as_deref()).await?;
    Ok(RemoteObject {
        remote_id,
        fields: Fields::AccountingPeriod(period),
        remote_data: row.raw.to_owned(),
        remote_updated_at,
    })
}
