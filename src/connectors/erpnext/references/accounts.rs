//! The chart of accounts.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::json;

use crate::connectors::erpnext::auth::Site;
use crate::connectors::erpnext::record::{Record, minor_units};
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::Currency;
use crate::domain::references::{Account, Classification, Resource};

const FIELDS: [&str; 12] = [
    "name",
    "company",
    "account_name",
    "account_number",
    "root_type",
    "account_type",
    "account_currency",
    "parent_account",
    "is_group",
    "disabled",
    "creation",
    "modified",
];

pub async fn read(site: &Site) -> Result<Vec<RemoteObject>, Error> {
    let company = site.company()?;
    let rows = site.list(json!({
        "doctype": "Account", "fields": FIELDS, "filters": [["company", "=", company]], "order_by": "name asc",
        "limit_page_length": 0,
    }));
    let (rows, balances) = (rows.await?, balances(site, company).await?);
    let mut objects = Vec::new();
    for row in &rows {
        let Some(row) = Record::read(row) else { continue };
        let Some(remote_id) = row.text("name").and_then(|name| name.parse().ok()) else { continue };
        objects.push(RemoteObject {
            remote_id,
            fields: Fields::Account(account(site, &row, balances.as_ref())),
            remote_data: row.raw.to_owned(),
            remote_updated_at: site.moment(row.text("modified").as_deref()).await?,
        });
    }
    Ok(objects)
}

fn account(site: &Site, row: &Record<'_>, balances: Option<&BTreeMap<String, Decimal>>) -> Account {
    let currency: Option<Currency> = row.text("account_currency").and_then(|code| code.parse().ok());
    let kind = row.text("account_type");
    let is_usable = !row.is_set("is_group") && !row.is_set("disabled");
    let balance = row.text("name").zip(balances).filter(|_| !row.is_set("is_group"));
    let balance = balance.map(|(name, balances)| balances.get(&name).copied().unwrap_or_default());
    Account {
        name: row.text("account_name"),
        description: None,
        classification: row.text("root_type").as_deref().and_then(classification),
        is_payment_account: is_usable && matches!(kind.as_deref(), Some("Bank" | "Cash")),
        kind,
        status: Some(if row.is_set("disabled") { "Archived" } else { "Active" }.to_owned()),
        current_balance: balance.and_then(|balance| minor_units(balance, currency)),
        currency,
        account_number: row.text("account_number"),
        parent_account: row
            .text("parent_account")
            .and_then(|parent| parent.parse().ok())
            .map(|parent| site.id(Resource::Account, &parent)),
        company_info_id: site.company.as_ref().map(|company| site.id(Resource::CompanyInfo, company)),
    }
}

fn classification(root_type: &str) -> Option<Classification> {
    match root_type {
        "Asset" => Some(Classification::Asset),
        "Liability" => Some(Classification::Liability),
        "Equity" => Some(Classification::Equity),
        "Income" => Some(Classification::Revenue),
        "Expense" => Some(Classification::Expense),
        _ => None,
    }
}

/// Debit less credit of every account with bookings, in its own currency; `None` when the ledger may not be read.
async fn balances(site: &Site, company: &str) -> Result<Option<BTreeMap<String, Decimal>>, Error> {
    let rows = site.list_if_allowed(json!({
        "doctype": "GL Entry",
        "fields": [
            "account", "sum(debit_in_account_currency) as debit", "sum(credit_in_account_currency) as credit",
        ],
        "filters": [["company", "=", company], ["is_cancelled", "=", 0]], "group_by": "account",
        "order_by": "account asc", "limit_page_length": 0,
    }));
    let of = |row: &Record<'_>| {
        let balance = row.number("debit")?.checked_sub(row.number("credit")?)?;
        Some((row.text("account")?, balance.round_dp(6)))
    };
    Ok(rows.await?.map(|rows| rows.iter().filter_map(|row| of(&Record::read(row)?)).collect()))
}
