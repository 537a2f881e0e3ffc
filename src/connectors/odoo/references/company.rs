//! The company.

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;

use super::updated_at;
use crate::connectors::odoo::Books;
use crate::connectors::odoo::value::{Link, Maybe, moment, text};
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::references::CompanyInfo;
use crate::domain::{AccountingDate, RemoteId};

#[derive(Deserialize)]
struct Record {
    id: i64,
    name: Maybe<String>,
    vat: Maybe<String>,
    website: Maybe<String>,
    currency_id: Maybe<Link>,
    fiscalyear_last_month: Maybe<String>,
    fiscalyear_last_day: Maybe<u8>,
    fiscalyear_lock_date: Maybe<NaiveDate>,
    /// Odoo 14, for users that are no advisers.
    #[serde(default)]
    period_lock_date: Maybe<NaiveDate>,
    /// Odoo 19.
    #[serde(default)]
    hard_lock_date: Maybe<NaiveDate>,
    create_date: Maybe<String>,
}

impl Books {
    /// The one company of the connection.
    pub(super) async fn companies(&self) -> Result<Vec<RemoteObject>, Error> {
        let fields = self.rpc.session().await?.fields;
        let Some(company) = self.rpc.company() else { return Ok(Vec::new()) };
        let found = self.search::<Record>("res.company", json!([["id", "=", company]]), fields.company).await?;
        Ok(found
            .into_iter()
            .map(|(data, record)| RemoteObject {
                remote_id: RemoteId::from(record.id),
                remote_updated_at: updated_at(&data),
                remote_data: data,
                fields: Fields::CompanyInfo(company_info(&record)),
            })
            .collect())
    }
}

fn company_info(record: &Record) -> CompanyInfo {
    let locks = [record.fiscalyear_lock_date.0, record.period_lock_date.0, record.hard_lock_date.0];
    CompanyInfo {
        name: text(&record.name),
        legal_name: text(&record.name),
        tax_number: text(&record.vat),
        fiscal_year_end_month: record.fiscalyear_last_month.0.as_deref().and_then(|month| month.parse().ok()),
        fiscal_year_end_day: record.fiscalyear_last_day.0,
        currency: record.currency_id.0.as_ref().and_then(|currency| currency.name.parse().ok()),
        urls: text(&record.website).into_iter().collect(),
        tracking_categories: Vec::new(),
        locked_until: locks.into_iter().flatten().max().map(AccountingDate),
        remote_created_at: record.create_date.0.as_deref().and_then(moment),
    }
}
