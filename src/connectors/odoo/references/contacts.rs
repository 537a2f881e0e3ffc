//! Customers and suppliers. Odoo keeps their addresses and their people as contacts below them.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{PAGE, key, linked, stamp, status, updated_at, with};
use crate::connectors::odoo::Books;
use crate::connectors::odoo::value::{Link, Maybe, text};
use crate::connectors::{Error, Fields, KeyPage, RemoteKey, RemoteObject};
use crate::domain::RemoteId;
use crate::domain::references::{Contact, ContactAddress};

const CONTACT: &str = "res.partner";

#[derive(Deserialize)]
struct Stamped {
    id: i64,
    write_date: String,
    active: bool,
    customer_rank: u64,
    supplier_rank: u64,
}

#[derive(Deserialize)]
struct Record {
    id: i64,
    name: Maybe<String>,
    active: bool,
    email: Maybe<String>,
    vat: Maybe<String>,
    phone: Maybe<String>,
    /// Odoo 14.
    #[serde(default)]
    mobile: Maybe<String>,
    customer_rank: u64,
    supplier_rank: u64,
    street: Maybe<String>,
    street2: Maybe<String>,
    city: Maybe<String>,
    zip: Maybe<String>,
    country_id: Maybe<Link>,
}

#[derive(Deserialize)]
struct Child {
    commercial_partner_id: Link,
    street: Maybe<String>,
    street2: Maybe<String>,
    city: Maybe<String>,
    zip: Maybe<String>,
    country_id: Maybe<Link>,
}

const CHILD: &[&str] = &[
    "name",
    "type",
    "active",
    "street",
    "street2",
    "city",
    "zip",
    "country_id",
    "email",
    "phone",
    "commercial_partner_id",
    "write_date",
];

impl Books {
    /// A page of the keys of contacts. A child that changes moves the stamp, and so does the first invoice.
    pub(super) async fn contact_keys(&self, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        // What has a parent and is no company is a part of that parent.
        let domain = vec![
            json!(["active", "in", [true, false]]),
            json!("|"),
            json!(["parent_id", "=", false]),
            json!(["is_company", "=", true]),
        ];
        let fields = ["write_date", "active", "customer_rank", "supplier_rank"];
        let (found, read_at) = self.page::<Stamped>(CONTACT, after, domain, &fields).await?;
        let ids: Vec<_> = found.iter().map(|contact| contact.id).collect();
        let family = json!([["commercial_partner_id", "in", ids], ["active", "in", [true, false]]]);
        let newest = self.newest(CONTACT, "commercial_partner_id", family).await?;
        let is_last = found.len() < PAGE;
        let keys = found.into_iter().map(|contact| {
            let (count, changed) = newest.get(&contact.id).cloned().unwrap_or((0, contact.write_date.clone()));
            let ranks = (contact.active, contact.customer_rank > 0, contact.supplier_rank > 0);
            key(
                contact.id,
                stamp(&[&format!("{ranks:?}"), &count.to_string()], &[&contact.write_date, &changed], read_at),
            )
        });
        Ok(KeyPage { keys: keys.collect(), is_last })
    }

    /// Contacts by their ids.
    pub(super) async fn contacts(&self, ids: &[i64]) -> Result<Vec<RemoteObject>, Error> {
        let fields = self.rpc.session().await?.fields;
        let all = json!(["active", "in", [true, false]]);
        let found = self.search::<Record>(CONTACT, json!([["id", "in", ids], all]), fields.contact).await?;
        let below = json!([["commercial_partner_id", "in", ids], ["id", "not in", ids]]);
        let children = self.search::<Child>(CONTACT, below, CHILD).await?;
        let of_children = children.iter().map(|(_, child)| &child.country_id);
        let countries = self.countries(found.iter().map(|(_, contact)| &contact.country_id).chain(of_children)).await?;
        let mut by_parent: HashMap<i64, Vec<(Box<RawValue>, ContactAddress)>> = HashMap::new();
        for (data, child) in children {
            let address =
                address(&child.street, &child.street2, &child.city, &child.zip, &child.country_id, &countries);
            let siblings = by_parent.entry(child.commercial_partner_id.id).or_default();
            siblings.push((data, address));
        }
        let object = |(data, record): (Box<RawValue>, Record)| {
            let children = by_parent.remove(&record.id).unwrap_or_default();
            let (records, of_children): (Vec<_>, Vec<_>) = children.into_iter().unzip();
            let own =
                address(&record.street, &record.street2, &record.city, &record.zip, &record.country_id, &countries);
            let addresses = [own].into_iter().chain(of_children).filter(is_filled).collect();
            let data = with(&data, "children", &records)?;
            Ok(RemoteObject {
                remote_id: RemoteId::from(record.id),
                remote_updated_at: updated_at(&data),
                remote_data: data,
                fields: Fields::Contact(Contact {
                    name: text(&record.name),
                    is_customer: Some(record.customer_rank > 0),
                    is_supplier: Some(record.supplier_rank > 0),
                    email_address: text(&record.email),
                    // A slash says that there is none.
                    tax_number: text(&record.vat).filter(|number| number != "/"),
                    status: Some(status(record.active)),
                    currency: None,
                    company_info_id: self.company_reference(),
                    addresses,
                    phone_numbers: [&record.phone, &record.mobile].into_iter().filter_map(text).collect(),
                }),
            })
        };
        found.into_iter().map(object).collect()
    }

    /// The ISO 3166-1 codes of countries.
    async fn countries(&self, links: impl Iterator<Item = &Maybe<Link>> + Send) -> Result<HashMap<i64, String>, Error> {
        #[derive(Deserialize)]
        struct Country {
            id: i64,
            code: Maybe<String>,
        }
        let mut ids: Vec<_> = links.filter_map(linked).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.search::<Country>("res.country", json!([["id", "in", ids]]), &["code"]).await?;
        Ok(found.into_iter().filter_map(|(_, country)| Some((country.id, country.code.0?))).collect())
    }
}

fn address(
    street: &Maybe<String>,
    street2: &Maybe<String>,
    city: &Maybe<String>,
    zip: &Maybe<String>,
    country: &Maybe<Link>,
    countries: &HashMap<i64, String>,
) -> ContactAddress {
    let lines: Vec<_> = [street, street2].into_iter().filter_map(text).collect();
    ContactAddress {
        street: Some(lines.join("\n")).filter(|street| !street.is_empty()),
        city: text(city),
        postal_code: text(zip),
        country: linked(country).and_then(|id| countries.get(&id).cloned()),
    }
}

fn is_filled(address: &ContactAddress) -> bool {
    *address != ContactAddress { street: None, city: None, postal_code: None, country: None }
}
