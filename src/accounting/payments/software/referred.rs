//! What a payment refers to, as it was last read from the software.

use std::collections::HashMap;

use serde::de::DeserializeOwned;

use crate::accounting::payments::PaymentData;
use crate::accounting::references::Object;
use crate::connectors::{Fault, Referenced};
use crate::db;
use crate::domain::ReferenceId;
use crate::domain::references::{Account, CompanyInfo, Contact, Invoice, Resource};

/// The objects of the connection that a payment names.
#[derive(Debug, Default)]
pub struct Referred {
    /// Invoices and bills.
    pub invoices: HashMap<ReferenceId, Referenced<Invoice>>,
    /// Accounts.
    pub accounts: HashMap<ReferenceId, Referenced<Account>>,
    /// Contacts.
    pub contacts: HashMap<ReferenceId, Referenced<Contact>>,
    /// Companies.
    pub companies: HashMap<ReferenceId, Referenced<CompanyInfo>>,
}

impl Referred {
    /// The ids that a payment names and that are translated for the software.
    #[must_use]
    pub fn ids(data: &PaymentData) -> Vec<ReferenceId> {
        let own = [data.invoice_id, data.account_id, data.contact_id, data.company_info_id];
        let of_lines = data.line_items.iter().map(|item| item.related_object_id);
        own.into_iter().chain(of_lines).flatten().collect()
    }

    /// Sorts what was read. Nothing of it has a pointer yet: [`find`] gives it.
    ///
    /// # Errors
    /// When a row holds no object of its resource.
    pub fn new(read: Vec<Object>) -> Result<Self, db::Error> {
        let mut referred = Self::default();
        for object in read {
            match object.resource {
                Resource::Invoice => insert(&mut referred.invoices, object)?,
                Resource::Account => insert(&mut referred.accounts, object)?,
                Resource::Contact => insert(&mut referred.contacts, object)?,
                Resource::CompanyInfo => insert(&mut referred.companies, object)?,
                Resource::TrackingCategory | Resource::AccountingPeriod => {}
            }
        }
        Ok(referred)
    }
}

fn insert<T>(known: &mut HashMap<ReferenceId, Referenced<T>>, object: Object) -> Result<(), db::Error>
where
    T: DeserializeOwned,
{
    let Object { id, remote_id, fields, remote_data, .. } = object;
    let fields = serde_json::from_str(fields.get()).map_err(|error| sqlx::Error::Decode(error.into()))?;
    known.insert(id, Referenced { pointer: String::new(), remote_id, fields, remote_data });
    Ok(())
}

/// The object with this id, which the body names at `pointer`.
///
/// # Errors
/// The fault `unknown_reference`.
pub fn find<T: Clone>(
    known: &HashMap<ReferenceId, Referenced<T>>,
    id: ReferenceId,
    pointer: impl Into<String>,
    (article, list): (&str, &str),
) -> Result<Referenced<T>, Fault> {
    let pointer = pointer.into();
    if let Some(object) = known.get(&id) {
        return Ok(Referenced { pointer, ..object.clone() });
    }
    let detail =
        format!("is not {article} of the connected software as it was last read; `GET /accounting/{list}` lists them");
    Err(Fault::new(pointer, "unknown_reference", detail))
}
