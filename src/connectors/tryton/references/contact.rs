//! Contacts: parties (`party.party`), the company's own too. Tryton does not mark customers and suppliers.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Code, Links};
use crate::connectors::json::{or_none, read as read_json, text_or_none};
use crate::connectors::tryton::values::{Stamped, Timestamp, newest};
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::RemoteId;
use crate::domain::references::{Contact, ContactAddress};

pub const FIELDS: &[&str] = &[
    "_timestamp",
    "name",
    "code",
    "active",
    "replaced_by",
    "email",
    "website",
    "currency.code",
    "tax_identifier.code",
    "lang.code",
    "addresses._timestamp",
    "addresses.street",
    "addresses.city",
    "addresses.postal_code",
    "addresses.country.code",
    "contact_mechanisms._timestamp",
    "contact_mechanisms.type",
    "contact_mechanisms.value",
    "identifiers._timestamp",
    "identifiers.type",
    "identifiers.code",
];

/// None of what belongs to a party moves its time of change.
pub const STAMP: &[&str] =
    &["_timestamp", "addresses._timestamp", "contact_mechanisms._timestamp", "identifiers._timestamp", "currency"];

#[derive(Deserialize)]
struct Record {
    id: i64,
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    #[serde(default, deserialize_with = "text_or_none")]
    name: Option<String>,
    #[serde(default)]
    active: bool,
    #[serde(default, deserialize_with = "text_or_none")]
    email: Option<String>,
    #[serde(rename = "currency.", default, deserialize_with = "or_none")]
    currency: Option<Code>,
    #[serde(rename = "tax_identifier.", default, deserialize_with = "or_none")]
    tax_identifier: Option<Code>,
    #[serde(rename = "addresses.", default)]
    addresses: Vec<Address>,
    #[serde(rename = "contact_mechanisms.", default)]
    mechanisms: Vec<Mechanism>,
    #[serde(rename = "identifiers.", default)]
    identifiers: Vec<Stamped>,
}

#[derive(Deserialize)]
struct Address {
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    #[serde(default, deserialize_with = "text_or_none")]
    street: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    city: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    postal_code: Option<String>,
    #[serde(rename = "country.", default, deserialize_with = "or_none")]
    country: Option<Code>,
}

/// A way to reach a party (`party.contact_mechanism`).
#[derive(Deserialize)]
struct Mechanism {
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    #[serde(rename = "type", default, deserialize_with = "text_or_none")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    value: Option<String>,
}

pub fn read(links: &Links, record: &RawValue) -> Result<RemoteObject, Error> {
    let party: Record = read_json(record.get().as_bytes())?;
    let stamps = party.addresses.iter().map(|address| &address.timestamp);
    let stamps = stamps.chain(party.mechanisms.iter().map(|mechanism| &mechanism.timestamp));
    let stamps = stamps.chain(party.identifiers.iter().map(|identifier| &identifier.timestamp));
    let remote_updated_at = newest(stamps.chain([&party.timestamp]));
    let is_phone = |mechanism: &Mechanism| matches!(mechanism.kind.as_deref(), Some("phone" | "mobile"));
    let fields = Contact {
        name: party.name,
        is_customer: None,
        is_supplier: None,
        email_address: party.email,
        tax_number: party.tax_identifier.map(|identifier| identifier.code),
        status: Some(if party.active { "Active" } else { "Archived" }.to_owned()),
        currency: party.currency.and_then(|currency| currency.code.parse().ok()),
        company_info_id: Some(links.to_company()),
        addresses: party.addresses.into_iter().filter_map(address).collect(),
        phone_numbers: party.mechanisms.into_iter().filter(is_phone).filter_map(|phone| phone.value).collect(),
    };
    Ok(RemoteObject {
        remote_id: RemoteId::from(party.id),
        fields: Fields::Contact(fields),
        remote_data: record.to_owned(),
        remote_updated_at,
    })
}

/// Every party has an address, and many of them are empty.
fn address(address: Address) -> Option<ContactAddress> {
    let country = address.country.map(|country| country.code);
    let Address { street, city, postal_code, .. } = address;
    let is_empty = street.is_none() && city.is_none() && postal_code.is_none() && country.is_none();
    (!is_empty).then_some(ContactAddress { street, city, postal_code, country })
}
