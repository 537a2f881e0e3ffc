//! The company whose books a connection has.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{AccountingDate, Currency, ReferenceId};

/// A company.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompanyInfo {
    /// What it is called.
    #[schema(example = "Dunder Mifflin")]
    pub name: Option<String>,
    /// Its name in law.
    pub legal_name: Option<String>,
    /// Its tax number.
    pub tax_number: Option<String>,
    /// The last month of its fiscal year, from 1.
    #[schema(minimum = 1, maximum = 12)]
    pub fiscal_year_end_month: Option<u8>,
    /// The last day of its fiscal year, from 1.
    #[schema(minimum = 1, maximum = 31)]
    pub fiscal_year_end_day: Option<u8>,
    /// The base currency of its books: it gives an exchange rate its direction.
    #[schema(value_type = Option<String>, example = "USD")]
    pub currency: Option<Currency>,
    /// Its web addresses.
    #[serde(default)]
    #[schema(required = true)]
    pub urls: Vec<String>,
    /// Tracking categories of the company.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>, required = true)]
    pub tracking_categories: Vec<ReferenceId>,
    /// Payments until this date are refused by the software; null where it has accounting periods, or no lock.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub locked_until: Option<AccountingDate>,
    /// When it was made in the software.
    pub remote_created_at: Option<DateTime<Utc>>,
}
