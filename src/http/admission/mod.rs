//! Bounds on concurrent work: requests, their bodies, their responses.

pub mod load_shed;
mod request_admission;
pub mod response_budget;

pub use load_shed::LoadShed;
pub use request_admission::{Admission, BodyRoom};
