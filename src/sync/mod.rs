//! Writes payments into accounting software, and reads what is there. Only this folder brings connectors, payments and
//! connections together.

pub mod api;
pub mod pull;
