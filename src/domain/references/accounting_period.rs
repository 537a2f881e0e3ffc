//! Accounting periods.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::AccountingDate;

/// Whether a period takes bookings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum PeriodStatus {
    /// It does.
    Open,
    /// It does not.
    Closed,
}

/// An accounting period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountingPeriod {
    /// What it is called.
    #[schema(example = "2026-11")]
    pub name: Option<String>,
    /// Whether it takes bookings.
    pub status: Option<PeriodStatus>,
    /// Its first day.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub start_date: Option<AccountingDate>,
    /// Its last day.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub end_date: Option<AccountingDate>,
}
