//! ERPNext 15, over Frappe's REST interface.
//!
//! A payment is one document, Payment Entry, which one request inserts, submits, books and allocates in one
//! transaction. Its field [`KEY_FIELD`] is ours and unique: a second payment with one key is refused by the database
//! below ERPNext.
//!
//! Where one of our resources is several kinds of document there, an id is `DocType/name`: a customer is
//! `Customer/Acme`. Names are what ERPNext's own links hold, and so the links of our objects need no look-up.

mod amounts;
mod auth;
mod check;
mod html;
mod id;
mod ledger;
mod payment;
mod payments;
mod prepare;
mod record;
mod references;
mod refusal;

use std::time::Duration;

use async_trait::async_trait;
use auth::Site;

use super::{
    Capabilities, Connector, Error, ExactlyOnce, Fault, Fence, Found, KeyPage, PaymentOrder, PreparedWrite, Provider,
    RemoteKey, RemoteObject, RemotePayment, SoftwareInfo, Target,
};
use crate::domain::references::Resource;
use crate::domain::{RemoteId, WriteKey};
use crate::outgoing::Client;

/// The kind of document that a payment is.
const PAYMENT_ENTRY: &str = "Payment Entry";

/// The field of a Payment Entry that holds our key.
const KEY_FIELD: &str = "unified_key";

const CAPABILITIES: Capabilities = Capabilities {
    exactly_once: ExactlyOnce::UniqueKey,
    members: &[],
    customer_payments: true,
    supplier_payments: true,
    max_allocations: 100,
    on_account: true,
    partly_on_account: true,
    takes_exchange_rate: true,
    reads_payments: true,
    max_in_flight: 4,
    // A payment that waits for the lock of its number series is answered after 50 seconds.
    timeout: Duration::from_secs(70),
    needs_setup: true,
};

/// ERPNext as such.
#[derive(Debug)]
pub struct Erpnext;

impl Provider for Erpnext {
    fn slug(&self) -> &'static str {
        "erpnext"
    }

    fn name(&self) -> &'static str {
        "ERPNext"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn prepare(&self, order: &PaymentOrder, key: &WriteKey) -> Result<PreparedWrite, Vec<Fault>> {
        prepare::prepare(order, key)
    }

    fn connect(&self, target: Target, client: Client) -> Box<dyn Connector> {
        Box::new(Site::new(target, client))
    }
}

#[async_trait]
impl Connector for Site {
    async fn check(&self) -> Result<SoftwareInfo, Error> {
        check::check(self).await
    }

    async fn setup(&self) -> Result<(), Error> {
        check::setup(self).await
    }

    /// None: the unique key of the database is enough.
    async fn fence(&self, _: &PreparedWrite) -> Result<Option<Fence>, Error> {
        Ok(None)
    }

    async fn find(&self, write: &PreparedWrite) -> Result<Found, Error> {
        payment::find(self, write).await
    }

    async fn create(&self, write: &PreparedWrite, _: Option<Fence>) -> Result<RemotePayment, Error> {
        payment::create(self, write).await
    }

    async fn get(&self, id: &RemoteId) -> Result<Option<RemotePayment>, Error> {
        payment::get(self, id.as_str()).await
    }

    async fn keys(&self, resource: Resource, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        references::keys(self, resource, after).await
    }

    async fn objects(&self, resource: Resource, keys: &[RemoteKey]) -> Result<Vec<RemoteObject>, Error> {
        references::objects(self, resource, keys).await
    }

    async fn payment_keys(&self, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        payments::keys(self, after).await
    }

    async fn payments(&self, keys: &[RemoteKey]) -> Result<Vec<RemotePayment>, Error> {
        payments::read(self, keys).await
    }
}
