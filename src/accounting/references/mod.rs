//! What payments refer to: contacts, invoices, accounts and so on, as they were last read from the accounting software.
//!
//! Only sync writes them. Each resource has a file beside this folder that names its path, its members and its filters;
//! what the resources have in common is here.

pub mod error;
pub mod filter;
pub mod get;
pub mod list;
mod listed;
pub mod problems;
mod query;
mod range;
mod reference;
mod snapshot;
mod software;
pub mod store;
pub mod view;

pub use error::Error;
pub use filter::{Filter, NoFilter};
pub use get::ReferencePath;
pub use list::{ListQuery, PageQuery};
pub use listed::Listed;
pub use query::RemoteData;
pub use reference::Reference;
pub use snapshot::snapshot;
pub use software::{Object, Software, software};
pub use view::ReferenceView;
