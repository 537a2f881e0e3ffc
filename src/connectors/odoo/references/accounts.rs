//! Accounts, with the journals that book payments on them.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{linked, status, updated_at, with};
use crate::connectors::odoo::Books;
use crate::connectors::odoo::prepare::Journal;
use crate::connectors::odoo::value::{Link, Maybe, Number, text};
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::references::{Account, Classification};
use crate::domain::{Currency, MinorUnits, RemoteId};

#[derive(Deserialize)]
struct Record {
    id: i64,
    code: Maybe<String>,
    name: Maybe<String>,
    note: Maybe<String>,
    internal_group: Maybe<String>,
    currency_id: Maybe<Link>,
    /// Odoo 14.
    #[serde(default)]
    user_type_id: Maybe<Link>,
    #[serde(default)]
    deprecated: bool,
    /// Odoo 19.
    #[serde(default)]
    account_type: Maybe<String>,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

/// What is booked on an account.
#[derive(Deserialize)]
struct Balance {
    account_id: Maybe<Link>,
    /// In the company's currency.
    #[serde(rename = "balance")]
    in_base: Number,
    /// In the account's own currency, where it has one.
    amount_currency: Number,
}

impl Books {
    /// All accounts of the company.
    pub(super) async fn accounts(&self) -> Result<Vec<RemoteObject>, Error> {
        let fields = self.rpc.session().await?.fields;
        let company = self.companies().await?.into_iter().next().map(|company| company.fields);
        let base = match company {
            Some(Fields::CompanyInfo(company)) => company.currency,
            _ => None,
        };
        let mut domain = Vec::new();
        domain.extend(self.rpc.company().map(|company| json!([fields.account_company, "in", [company]])));
        if fields.account.contains(&"active") {
            domain.push(json!(["active", "in", [true, false]]));
        }
        let balances = self.balances().await?;
        let mut journals: HashMap<i64, Vec<Journal>> = HashMap::new();
        for journal in self.journals().await? {
            let own = Journal { id: journal.id, name: journal.name };
            journals.entry(linked(&journal.default_account_id).unwrap_or_default()).or_default().push(own);
        }
        let found = self.search::<Record>("account.account", json!(domain), fields.account).await?;
        let object = |(data, record): (Box<RawValue>, Record)| {
            let journals = journals.remove(&record.id).unwrap_or_default();
            let account = self.account(&record, base, balances.get(&record.id), !journals.is_empty());
            // The payment is prepared from this record alone: it needs the journals, and their stamp is its content.
            let data = with(&data, "journals", &journals)?;
            let data = with(&data, "current_balance", &account.current_balance)?;
            Ok(RemoteObject {
                remote_id: RemoteId::from(record.id),
                remote_updated_at: updated_at(&data),
                remote_data: data,
                fields: Fields::Account(account),
            })
        };
        found.into_iter().map(object).collect()
    }

    async fn balances(&self) -> Result<HashMap<i64, Balance>, Error> {
        let mut domain = vec![json!(["parent_state", "=", "posted"])];
        domain.extend(self.rpc.company().map(|company| json!(["company_id", "=", company])));
        let arguments = json!({"domain": domain, "fields": ["balance", "amount_currency"], "groupby": ["account_id"]});
        let sums: Vec<Balance> = self.rpc.call("account.move.line", "read_group", None, arguments).await?;
        Ok(sums.into_iter().filter_map(|sum| Some((linked(&sum.account_id)?, sum))).collect())
    }

    fn account(&self, record: &Record, base: Option<Currency>, sum: Option<&Balance>, is_payment: bool) -> Account {
        let own = record.currency_id.0.as_ref().and_then(|currency| currency.name.parse::<Currency>().ok());
        let currency = own.or(base);
        let digits = currency.and_then(Currency::minor_units);
        let booked =
            sum.map(|sum| if own.is_some_and(|own| Some(own) != base) { &sum.amount_currency } else { &sum.in_base });
        let current_balance = match (booked, digits) {
            (Some(booked), Some(digits)) => booked.minor_units(digits),
            (None, Some(_)) => MinorUnits::try_from(0).ok(),
            (_, None) => None,
        };
        Account {
            name: text(&record.name),
            description: text(&record.note),
            classification: record.internal_group.0.as_deref().and_then(classification),
            kind: record.user_type_id.0.as_ref().map(|kind| kind.name.clone()).or_else(|| text(&record.account_type)),
            status: Some(status(record.active && !record.deprecated)),
            current_balance,
            currency,
            account_number: text(&record.code),
            parent_account: None,
            company_info_id: self.company_reference(),
            is_payment_account: is_payment,
        }
    }
}

fn classification(group: &str) -> Option<Classification> {
    Some(match group {
        "asset" => Classification::Asset,
        "liability" => Classification::Liability,
        "equity" => Classification::Equity,
        "income" => Classification::Revenue,
        "expense" => Classification::Expense,
        _ => return None,
    })
}
