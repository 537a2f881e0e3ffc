//! What a check of a connection finds, and which company it is about.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::Books;
use super::auth::Rpc;
use crate::connectors::{Company, Error, SoftwareInfo};
use crate::domain::{Currency, RemoteId};

/// The series of versions that this connector was run against.
const SERIES: [&str; 2] = ["7.0", "8.0"];

/// The models without which nothing can be paid.
const MODELS: [&str; 3] = ["account.invoice", "account.move", "account.invoice.payment.method"];

/// A company (`company.company`).
#[derive(Debug, Deserialize)]
pub struct CompanyRecord {
    pub id: i64,
    rec_name: String,
    #[serde(rename = "currency.")]
    currency: CurrencyRecord,
}

#[derive(Debug, Deserialize)]
struct CurrencyRecord {
    code: String,
}

/// The company that is meant: the chosen one, or the only one that the user works for.
pub async fn company(rpc: &Rpc) -> Result<CompanyRecord, Error> {
    #[derive(Deserialize)]
    struct User {
        companies: Vec<i64>,
    }

    let context = json!({"language": "en"});
    let domain = json!([["login", "=", rpc.target().login]]);
    let users: Vec<User> =
        rpc.call("model.res.user.search_read", json!([domain, 0, 1, null, ["companies"], context])).await?;
    let theirs: Vec<_> = users.into_iter().flat_map(|user| user.companies).collect();
    let parameters = json!([[["id", "in", theirs]], 0, null, [["id", "ASC"]], ["rec_name", "currency.code"], context]);
    let mut all: Vec<CompanyRecord> = rpc.call("model.company.company.search_read", parameters).await?;
    let names: Vec<_> = all.iter().map(name).collect();
    if names.is_empty() {
        return Err(Error::Unsupported("the user works for no company in Tryton: add one to the user".to_owned()));
    }
    if let Some(chosen) = &rpc.target().company {
        let is_chosen =
            |company: &CompanyRecord| RemoteId::from(company.id) == *chosen || company.rec_name == chosen.as_str();
        all.retain(is_chosen);
    }
    match all.pop() {
        Some(only) if all.is_empty() => Ok(only),
        _ => Err(Error::Choose { option: "--company", names }),
    }
}

/// How a company is named in a choice: by its id, which is what is written, and by its name.
fn name(company: &CompanyRecord) -> String {
    format!("{} ({})", company.id, company.rec_name)
}

pub async fn check(rpc: &Rpc) -> Result<SoftwareInfo, Error> {
    let version = rpc.version().await?.to_owned();
    let company = company(rpc).await?;
    let currency: Currency =
        company.currency.code.parse().map_err(|_| {
            Error::Unsupported(format!("the base currency {} is not in ISO 4217", company.currency.code))
        })?;
    let mut missing = Vec::new();
    if !SERIES.iter().any(|series| version == *series || version.starts_with(&format!("{series}."))) {
        missing.push(format!("This is Tryton {version}; the connector was tried with {}.", SERIES.join(" and ")));
    }
    missing.extend(missing_rights(rpc, company.id).await?);
    Ok(SoftwareInfo {
        version,
        company: Company { remote_id: RemoteId::from(company.id), name: company.rec_name, currency },
        missing,
        needs_setup: false,
    })
}

/// What the user may not do, or what nobody has set up.
async fn missing_rights(rpc: &Rpc, company: i64) -> Result<Vec<String>, Error> {
    #[derive(Deserialize)]
    struct Access {
        read: i64,
        write: i64,
    }

    let context = Books::context(company);
    let access: BTreeMap<String, Access> =
        match rpc.call("model.ir.model.access.get_access", json!([MODELS, context])).await {
            Ok(access) => access,
            // It knows no model of one of these names.
            Err(Error::Protocol(_)) => return Ok(vec!["The module account_invoice is not activated.".to_owned()]),
            Err(error) => return Err(error),
        };
    let may = |model: &str, right: fn(&Access) -> i64| access.get(model).is_some_and(|access| right(access) != 0);
    if !MODELS.iter().all(|model| may(model, |access| access.read)) {
        return Ok(vec!["The user cannot read invoices: put it into the group Accounting.".to_owned()]);
    }
    let mut missing = Vec::new();
    if !may("account.invoice", |access| access.write) || !may("account.move", |access| access.write) {
        missing.push("The user cannot pay invoices: put it into the group Accounting.".to_owned());
    }
    let domain = json!([["company", "=", company]]);
    let methods: i64 = rpc.call("model.account.invoice.payment.method.search_count", json!([domain, context])).await?;
    if methods == 0 {
        missing.push(
            "There is no payment method: add one under Financial, Configuration, Invoice Payment Methods.".to_owned(),
        );
    }
    Ok(missing)
}
