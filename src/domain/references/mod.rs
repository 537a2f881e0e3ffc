//! What payments refer to, as the accounting software has it: contacts, invoices, accounts and so on
//! (resources contract, section 3). The members are those of the answers.
//!
//! An array is empty where an earlier version of the server did not store it yet.

mod account;
mod accounting_period;
mod company_info;
mod contact;
mod invoice;
mod tracking_category;

pub use account::{Account, Classification};
pub use accounting_period::{AccountingPeriod, PeriodStatus};
pub use company_info::CompanyInfo;
pub use contact::{Contact, ContactAddress};
pub use invoice::{Invoice, InvoiceKind, InvoiceLine, InvoiceStatus};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
pub use tracking_category::TrackingCategory;
use uuid::Builder;

use super::{ConnectionId, ReferenceId, RemoteId};

/// A kind of object that is read from the accounting software.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// `GET /accounting/companyinfos`
    CompanyInfo,
    /// `GET /accounting/accounts`
    Account,
    /// `GET /accounting/contacts`
    Contact,
    /// `GET /accounting/trackingcategories`
    TrackingCategory,
    /// `GET /accounting/accountingperiods`
    AccountingPeriod,
    /// `GET /accounting/invoices`
    Invoice,
}

impl Resource {
    /// All of them, in the order in which they are pulled: what others refer to comes first.
    pub const ALL: &[Self] = &[
        Self::CompanyInfo,
        Self::Account,
        Self::Contact,
        Self::TrackingCategory,
        Self::AccountingPeriod,
        Self::Invoice,
    ];

    /// Its name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CompanyInfo => "company_info",
            Self::Account => "account",
            Self::Contact => "contact",
            Self::TrackingCategory => "tracking_category",
            Self::AccountingPeriod => "accounting_period",
            Self::Invoice => "invoice",
        }
    }

    /// The id of an object: a `UUIDv8` made of names (RFC 9562 section 5.8 and appendix B.2). The same object has the
    /// same id on every server and after every new pull, and a link to an object that was not read yet is right.
    #[must_use]
    pub fn id(self, connection: ConnectionId, remote_id: &RemoteId) -> ReferenceId {
        let mut digest = Sha256::new();
        digest.update(connection.0.as_bytes());
        digest.update(self.as_str());
        digest.update([0]);
        digest.update(remote_id.as_str());
        let [bytes @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = <[u8; 32]>::from(digest.finalize());
        ReferenceId(Builder::from_custom_bytes(bytes).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_depends_on_connection_resource_and_remote_id() {
        let connection = |n: u128| ConnectionId(uuid::Uuid::from_u128(n));
        let remote = |text: &str| text.parse::<RemoteId>().expect(text);
        let id = Resource::Invoice.id(connection(1), &remote("15"));
        assert_eq!(id, Resource::Invoice.id(connection(1), &remote("15")));
        assert_eq!(id.0.get_version_num(), 8);
        for other in [
            Resource::Invoice.id(connection(2), &remote("15")),
            Resource::Invoice.id(connection(1), &remote("16")),
            Resource::Account.id(connection(1), &remote("15")),
        ] {
            assert_ne!(id, other);
        }
    }
}
