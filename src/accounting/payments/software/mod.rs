//! Payments of connections with accounting software behind them.

mod polling;
mod writes;

pub use polling::Polling;
pub use writes::Writes;
