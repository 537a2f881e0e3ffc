//! Quotas and shares: who may take how much.

pub mod fair_share;
pub mod rate_limit;
