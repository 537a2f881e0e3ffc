//! Connectors: how a payment is written into accounting software, and how the software's objects are read.
//!
//! A [`Provider`] is a program as such: what it can do, and which bytes a payment becomes. A [`Connector`] is the way to
//! one customer's books in it. Connectors know no database of ours; `sync` calls them and keeps what they answer.
//!
//! A payment is written exactly once like this. [`Provider::prepare`] makes the bytes, which are stored before anything is
//! sent. Each attempt then takes [`Connector::fence`], [`Connector::find`] and, when nothing was found,
//! [`Connector::create`], in this order: a payment that another attempt makes after the fence makes `create` fail.

mod capabilities;
pub mod decimal;
mod erpnext;
mod error;
pub mod json;
mod object;
mod odoo;
mod order;
pub mod registry;
mod remote_payment;
pub mod tryton;

use async_trait::async_trait;
pub use capabilities::{Capabilities, ExactlyOnce, Member};
pub use error::{Error, Fault, Outcome, Sent};
pub use object::{Fields, KeyPage, RemoteKey, RemoteObject};
pub use order::{Allocation, PaymentOrder, PreparedWrite, Referenced};
pub use remote_payment::{Fence, Found, RemoteAllocation, RemotePayment};
use secrecy::SecretString;

use crate::domain::references::Resource;
use crate::domain::{ConnectionId, Currency, RemoteId, WriteKey};
use crate::outgoing::Client;

/// A kind of accounting software.
pub trait Provider: Sync + std::fmt::Debug {
    /// Its name in `connection create --provider` and in the database.
    fn slug(&self) -> &'static str;

    /// Its name for people, like `Tryton`.
    fn name(&self) -> &'static str;

    /// What it can do.
    fn capabilities(&self) -> &'static Capabilities;

    /// The bytes that write a payment under `key`. Pure: the same order and key give the same bytes.
    ///
    /// # Errors
    /// All reasons for which the software cannot take this payment, with pointers into the body of the create call.
    fn prepare(&self, order: &PaymentOrder, key: &WriteKey) -> Result<PreparedWrite, Vec<Fault>>;

    /// The way to one customer's books. Nothing is sent yet.
    fn connect(&self, target: Target, client: Client) -> Box<dyn Connector>;
}

/// Where a customer's books are, and how to sign in.
#[derive(Debug, Clone)]
pub struct Target {
    /// The connection whose books they are; part of the ids of all references.
    pub connection_id: ConnectionId,
    /// The address of the software.
    pub url: String,
    /// Which of its databases; `None` where the address says it.
    pub database: Option<String>,
    /// Which of its companies; `None` until one is chosen.
    pub company: Option<RemoteId>,
    /// The user to sign in as; `None` where the secret says it.
    pub login: Option<String>,
    /// The password or the API key.
    pub secret: SecretString,
}

/// What a check of a connection finds.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SoftwareInfo {
    /// The software's version.
    pub version: String,
    /// The company of [`Target::company`], or the only one.
    pub company: Company,
    /// What is missing or will not work, a sentence each. Empty when all is well.
    pub missing: Vec<String>,
    /// Whether [`Connector::setup`] has something to do.
    pub needs_setup: bool,
}

/// A company in the software.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Company {
    /// Its id there.
    pub remote_id: RemoteId,
    /// What it is called.
    pub name: String,
    /// The base currency of its books.
    pub currency: Currency,
}

/// The way to one customer's books.
#[async_trait]
pub trait Connector: Send + Sync + std::fmt::Debug {
    /// Signs in and looks around.
    ///
    /// # Errors
    /// [`Error::Choose`] when there are several databases or companies and none is named.
    async fn check(&self) -> Result<SoftwareInfo, Error>;

    /// Makes in the software what the connector needs there. Repeatable.
    ///
    /// # Errors
    /// When the software refuses it.
    async fn setup(&self) -> Result<(), Error>;

    /// What changes when another attempt writes this payment first; `None` where the software itself refuses a second
    /// payment under one key. Taken before [`find`](Self::find).
    ///
    /// # Errors
    /// When the software cannot be asked.
    async fn fence(&self, write: &PreparedWrite) -> Result<Option<Fence>, Error>;

    /// Looks for the payment by its key, cancelled ones too.
    ///
    /// # Errors
    /// When the software cannot be asked.
    async fn find(&self, write: &PreparedWrite) -> Result<Found, Error>;

    /// Writes the payment: sends exactly what was prepared, from the first step on that is not done yet.
    ///
    /// # Errors
    /// [`Error::outcome`] says whether the payment may have been written.
    async fn create(&self, write: &PreparedWrite, fence: Option<Fence>) -> Result<RemotePayment, Error>;

    /// Reads a payment by its id; `None` when there is none.
    ///
    /// # Errors
    /// When the software cannot be asked.
    async fn get(&self, id: &RemoteId) -> Result<Option<RemotePayment>, Error>;

    /// A page of the keys of all objects of a resource, inactive ones too, in the order of [`RemoteKey::position`].
    ///
    /// # Errors
    /// When the software cannot be asked.
    async fn keys(&self, resource: Resource, after: Option<&RemoteKey>) -> Result<KeyPage, Error>;

    /// Reads objects; those that are gone are left out. At most as many as a page of keys.
    ///
    /// # Errors
    /// When the software cannot be asked.
    async fn objects(&self, resource: Resource, keys: &[RemoteKey]) -> Result<Vec<RemoteObject>, Error>;

    /// The same as [`keys`](Self::keys) for payments of customers and to suppliers, made by us and by others. Cancelled ones are
    /// among them, drafts are not. Asked only where [`Capabilities::reads_payments`].
    ///
    /// # Errors
    /// When the software cannot be asked.
    async fn payment_keys(&self, after: Option<&RemoteKey>) -> Result<KeyPage, Error>;

    /// Reads payments; those that are gone are left out, and those whose form the connector does not know. At most as many
    /// as a page of keys.
    ///
    /// # Errors
    /// When the software cannot be asked.
    async fn payments(&self, keys: &[RemoteKey]) -> Result<Vec<RemotePayment>, Error>;
}
