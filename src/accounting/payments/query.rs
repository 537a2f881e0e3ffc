//! The query of the calls that answer one payment.

pub use crate::accounting::references::RemoteData;
