//! Customers and suppliers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{Currency, ReferenceId};

/// A customer or supplier, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contact {
    /// What it is called.
    #[schema(example = "Acme Ltd")]
    pub name: Option<String>,
    /// Whether it is invoiced; null where the software does not say.
    pub is_customer: Option<bool>,
    /// Whether it sends bills; null where the software does not say.
    pub is_supplier: Option<bool>,
    /// Its e-mail address.
    pub email_address: Option<String>,
    /// Its tax number, as the software writes it.
    pub tax_number: Option<String>,
    /// `Active` or `Archived`.
    #[schema(example = "Active")]
    pub status: Option<String>,
    /// Its currency, where the software keeps one.
    #[schema(value_type = Option<String>, example = "USD")]
    pub currency: Option<Currency>,
    /// The company whose contact it is.
    #[schema(value_type = Option<Uuid>)]
    pub company_info_id: Option<ReferenceId>,
    /// Its addresses.
    #[serde(default)]
    #[schema(required = true)]
    pub addresses: Vec<ContactAddress>,
    /// Its telephone numbers.
    #[serde(default)]
    #[schema(required = true)]
    pub phone_numbers: Vec<String>,
}

/// An address of a contact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContactAddress {
    /// Street and number, lines separated by a line feed.
    pub street: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
}
