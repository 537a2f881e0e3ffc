//! How the objects of the books are read.
//!
//! A key's stamp is a fingerprint of all that Tryton changes when the answer may change. Of large tables that is the time of
//! change of each record and of what belongs to it, because none of these moves the time of the record itself: the void of
//! a part payment moves a line of an entry and nothing of the invoice. Small tables are read whole, and the fingerprint is
//! that of their content.

mod account;
mod company;
mod contact;
mod invoice;
mod period;
mod tracking;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::Books;
use super::values::record_id;
use crate::connectors::json::{fingerprint, read, with_member};
use crate::connectors::{Error, KeyPage, RemoteKey, RemoteObject};
use crate::domain::references::Resource;
use crate::domain::{ConnectionId, ReferenceId, RemoteId};

/// The most objects of a page. Tryton is fastest with pages of this size.
pub const PAGE: usize = 100;

/// Where a resource comes from.
struct Source {
    model: &'static str,
    /// Which records, beside the page and the company.
    domain: Value,
    /// The field that names the company.
    company: &'static str,
    /// What is read.
    fields: &'static [&'static str],
    /// What a stamp is made of.
    stamp: &'static [&'static str],
    read: fn(&Links, &RawValue) -> Result<RemoteObject, Error>,
}

/// Makes the ids of objects that others refer to.
struct Links {
    connection: ConnectionId,
    company: i64,
}

impl Links {
    fn to(&self, resource: Resource, id: i64) -> ReferenceId {
        resource.id(self.connection, &RemoteId::from(id))
    }

    fn to_company(&self) -> ReferenceId {
        self.to(Resource::CompanyInfo, self.company)
    }
}

#[derive(Deserialize)]
struct Id {
    id: i64,
}

/// A record that another one names, with its code.
#[derive(Deserialize)]
struct Code {
    code: String,
}

/// Archived records are hidden unless they are asked for.
fn active_or_not() -> Value {
    json!([["active", "in", [true, false]]])
}

impl Books {
    pub(super) async fn keys_after(&self, resource: Resource, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        let source = source(resource);
        let records = self.records(resource, &source, page_of(after), source.stamp).await?;
        let key = |record: &RawValue| {
            let Id { id } = read(record.get().as_bytes())?;
            Ok(key_of(id, fingerprint(record)))
        };
        let keys = records.iter().map(|record| key(record)).collect::<Result<Vec<_>, Error>>()?;
        Ok(KeyPage { is_last: keys.len() < PAGE, keys })
    }

    pub(super) async fn objects_of(&self, resource: Resource, keys: &[RemoteKey]) -> Result<Vec<RemoteObject>, Error> {
        let (connection, company) = (self.rpc.target().connection_id, self.company().await?);
        let ids: Vec<_> = keys.iter().filter_map(|key| record_id(&key.remote_id)).collect();
        let source = source(resource);
        let records = self.records(resource, &source, json!(["id", "in", ids]), source.fields).await?;
        records.iter().map(|record| read_object(resource, connection, company, record)).collect()
    }

    /// The records of a page, with the members that come from elsewhere.
    async fn records(
        &self,
        resource: Resource,
        source: &Source,
        page: Value,
        fields: &[&str],
    ) -> Result<Vec<Box<RawValue>>, Error> {
        let has_analytic = self.has_analytic().await?;
        if resource == Resource::TrackingCategory && !has_analytic {
            return Ok(Vec::new());
        }
        let company = self.company().await?;
        let mut domain = json!([page, source.domain]);
        if !source.company.is_empty() {
            domain = json!([domain, [source.company, "=", company]]);
        }
        let mut fields = fields.to_vec();
        if !has_analytic {
            fields.retain(|field| !field.contains("analytic_accounts"));
        }
        let records: Vec<Box<RawValue>> = self.search(source.model, company, domain, &fields, Some(PAGE)).await?;
        match resource {
            Resource::Account => {
                let methods = account::payment_methods(self, company).await?;
                Ok(records.into_iter().map(|record| account::with_methods(record, &methods)).collect())
            }
            Resource::CompanyInfo => {
                let year = company::fiscal_year(self, company).await?;
                let year = to_raw_value(&year).map_err(|error| Error::Protocol(error.to_string()))?;
                Ok(records.iter().map(|record| with_member(record, "fiscal_year", &year)).collect())
            }
            _ => Ok(records),
        }
    }

    /// Whether invoices can have analytic accounts here: they are modules of their own.
    async fn has_analytic(&self) -> Result<bool, Error> {
        let find = async {
            let domain = json!([["name", "=", "analytic_invoice"], ["state", "=", "activated"]]);
            let found: i64 = self.rpc.call("model.ir.module.search_count", json!([domain, {"language": "en"}])).await?;
            Ok(found > 0)
        };
        self.has_analytic.get_or_try_init(|| find).await.copied()
    }
}

/// The records behind a key.
pub fn page_of(after: Option<&RemoteKey>) -> Value {
    json!(["id", ">", after.and_then(|key| record_id(&key.remote_id)).unwrap_or(0)])
}

/// The key of a record.
pub fn key_of(id: i64, stamp: String) -> RemoteKey {
    RemoteKey { remote_id: RemoteId::from(id), position: format!("{id:019}"), stamp }
}

/// Reads a record of a company's books as an object of a resource.
///
/// # Errors
/// [`Error::Protocol`] when it is no such record.
pub fn read_object(
    resource: Resource,
    connection: ConnectionId,
    company: i64,
    record: &RawValue,
) -> Result<RemoteObject, Error> {
    (source(resource).read)(&Links { connection, company }, record)
}

fn source(resource: Resource) -> Source {
    let none = json!([]);
    match resource {
        Resource::CompanyInfo => Source {
            model: "company.company",
            domain: none,
            company: "id",
            fields: company::FIELDS,
            stamp: company::FIELDS,
            read: company::read,
        },
        Resource::Account => Source {
            model: "account.account",
            domain: active_or_not(),
            company: "company",
            fields: account::FIELDS,
            stamp: account::FIELDS,
            read: account::read,
        },
        Resource::Contact => Source {
            model: "party.party",
            domain: active_or_not(),
            // Parties belong to all companies.
            company: "",
            fields: contact::FIELDS,
            stamp: contact::STAMP,
            read: contact::read,
        },
        Resource::TrackingCategory => Source {
            model: "analytic_account.account",
            domain: active_or_not(),
            company: "company",
            fields: tracking::FIELDS,
            stamp: tracking::FIELDS,
            read: tracking::read,
        },
        Resource::AccountingPeriod => Source {
            model: "account.period",
            // The others are for adjustments, and lie within these.
            domain: json!([["type", "=", "standard"]]),
            company: "fiscalyear.company",
            fields: period::FIELDS,
            stamp: period::FIELDS,
            read: period::read,
        },
        Resource::Invoice => Source {
            model: "account.invoice",
            domain: none,
            company: "company",
            fields: invoice::FIELDS,
            stamp: invoice::STAMP,
            read: invoice::read,
        },
    }
}
