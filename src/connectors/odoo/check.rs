//! What a connection finds when it is checked.

use serde::Deserialize;
use serde_json::json;

use super::Books;
use super::value::{Link, Maybe};
use crate::connectors::{Company, Error, SoftwareInfo};
use crate::domain::{Currency, RemoteId};

#[derive(Deserialize)]
struct CompanyRecord {
    id: i64,
    name: String,
    currency_id: Link,
}

#[derive(Deserialize)]
struct CurrencyRecord {
    name: String,
    decimal_places: u8,
}

impl Books {
    /// Signs in and looks around.
    pub async fn look_around(&self) -> Result<SoftwareInfo, Error> {
        let version = self.rpc.session().await?.version.clone();
        let company = self.company().await?;
        Ok(SoftwareInfo { version, company, missing: self.missing().await?, needs_setup: false })
    }

    /// The company that was chosen, or the only one of the user.
    async fn company(&self) -> Result<Company, Error> {
        // With `allowed_company_ids`, Odoo refuses a company that is not the user's.
        let domain = self.rpc.company().map_or_else(|| json!([]), |company| json!([["id", "=", company]]));
        let mut found = self.search::<CompanyRecord>("res.company", domain, &["name", "currency_id"]).await?;
        let Some((_, company)) = found.pop() else {
            return Err(Error::Unsupported("the user belongs to no such company in Odoo".to_owned()));
        };
        if !found.is_empty() {
            found.push((Box::default(), company));
            let names = found.iter().map(|(_, company)| format!("{} ({})", company.id, company.name)).collect();
            return Err(Error::Choose { option: "--company", names });
        }
        let currency = company.currency_id.name.parse();
        let currency = currency.map_err(|error| Error::Unsupported(format!("the company's currency: {error}")))?;
        Ok(Company { remote_id: RemoteId::from(company.id), name: company.name, currency })
    }

    async fn missing(&self) -> Result<Vec<String>, Error> {
        let mut missing = Vec::new();
        for (model, operation, what) in [
            ("account.payment", "create", "write payments"),
            ("account.move", "read", "read invoices"),
            ("account.journal", "read", "read journals"),
        ] {
            let arguments = json!({"operation": operation, "raise_exception": false});
            if !self.rpc.call::<bool>(model, "check_access_rights", None, arguments).await? {
                missing.push(format!("The user may not {what}: it needs the group Billing."));
            }
        }
        if missing.is_empty() && self.journals().await?.is_empty() {
            missing.push("There is no bank or cash journal with an account, so no payment can be written.".to_owned());
        }
        let currencies = self.search::<CurrencyRecord>("res.currency", json!([]), &["name", "decimal_places"]).await?;
        for (_, CurrencyRecord { name, decimal_places }) in currencies {
            let digits = name.parse::<Currency>().ok().and_then(Currency::minor_units);
            if let Some(digits) = digits.filter(|digits| *digits != decimal_places) {
                missing.push(format!("{name} has {decimal_places} decimal places in Odoo and {digits} in ISO 4217."));
            }
        }
        Ok(missing)
    }
}

/// A journal of cash or bank.
#[derive(Deserialize)]
pub struct JournalRecord {
    /// Its id.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// The account that money in it is on.
    pub default_account_id: Maybe<Link>,
}

impl Books {
    /// The journals that payments can be written in.
    pub async fn journals(&self) -> Result<Vec<JournalRecord>, Error> {
        let mut domain = vec![json!(["type", "in", ["bank", "cash"]]), json!(["default_account_id", "!=", false])];
        domain.extend(self.rpc.company().map(|company| json!(["company_id", "=", company])));
        let journals = self.search("account.journal", json!(domain), &["name", "default_account_id"]).await?;
        Ok(journals.into_iter().map(|(_, journal)| journal).collect())
    }
}
