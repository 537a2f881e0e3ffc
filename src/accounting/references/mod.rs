//! What payments refer to: contacts, invoices, accounts and so on, as they were last read from the accounting software.

mod reference;
pub mod store;

pub use reference::Reference;
