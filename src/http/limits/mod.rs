//! Rate limits, and limited amounts that API keys share.

pub mod fair_share;
pub mod rate_limit;
