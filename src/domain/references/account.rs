//! Accounts of the chart of accounts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{Currency, MinorUnits, ReferenceId};

/// The class of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Classification {
    /// What the company has.
    Asset,
    /// What it owes.
    Liability,
    /// What belongs to its owners.
    Equity,
    /// What it earns.
    Revenue,
    /// What it spends.
    Expense,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// What it is called.
    #[schema(example = "Main bank")]
    pub name: Option<String>,
    /// A note.
    pub description: Option<String>,
    /// Its class; null where the software does not say.
    pub classification: Option<Classification>,
    /// Its kind, in the software's own word.
    #[serde(rename = "type")]
    #[schema(example = "Current Asset")]
    pub kind: Option<String>,
    /// `Active` or `Archived`.
    #[schema(example = "Active")]
    pub status: Option<String>,
    /// Its balance, in minor units of its currency.
    #[schema(value_type = Option<i64>)]
    pub current_balance: Option<MinorUnits>,
    /// Its currency.
    #[schema(value_type = Option<String>, example = "USD")]
    pub currency: Option<Currency>,
    /// Its number in the chart, as text: leading zeros count.
    #[schema(example = "1000")]
    pub account_number: Option<String>,
    /// The account above it.
    #[schema(value_type = Option<Uuid>)]
    pub parent_account: Option<ReferenceId>,
    /// The company whose account it is.
    #[schema(value_type = Option<Uuid>)]
    pub company_info_id: Option<ReferenceId>,
    /// Whether a payment can be booked on it.
    #[serde(default)]
    #[schema(required = true)]
    pub is_payment_account: bool,
}
