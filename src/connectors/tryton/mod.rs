//! Tryton 7.0 and 8.0, over JSON-RPC.
//!
//! A payment is what its form "Pay Invoice" makes: an entry of the books, whose description is our key. Tryton has no unique
//! key for it. It does refuse the payment when the invoice has changed since we looked at it: that is the fence.

mod auth;
mod check;
mod entry;
mod error;
mod payment;
mod payments;
mod prepare;
mod references;
mod values;

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use self::auth::Rpc;
pub use self::entry::read_payment;
pub use self::error::read_body;
pub use self::references::read_object;
use super::{
    Capabilities, Connector, Error, ExactlyOnce, Fault, Fence, Found, KeyPage, Member, PaymentOrder, PreparedWrite,
    Provider, RemoteKey, RemoteObject, RemotePayment, SoftwareInfo, Target,
};
use crate::domain::references::Resource;
use crate::domain::{RemoteId, WriteKey};
use crate::outgoing::Client;

const fn member(name: &'static str, required: bool, ignored: bool) -> Member {
    Member { name, required, ignored, max_length: None }
}

static CAPABILITIES: Capabilities = Capabilities {
    exactly_once: ExactlyOnce::OptimisticLock,
    members: &[
        member("total_amount", true, false),
        member("currency", true, false),
        member("transaction_date", true, false),
        member("account_id", true, false),
        // It takes the rate of its own table.
        member("exchange_rate", false, true),
    ],
    customer_payments: true,
    supplier_payments: true,
    max_allocations: 1,
    on_account: false,
    partly_on_account: false,
    takes_exchange_rate: false,
    reads_payments: true,
    // It answers twenty calls at once no sooner than one after the other.
    max_in_flight: 2,
    timeout: Duration::from_mins(1),
    needs_setup: false,
};

/// Tryton as such.
#[derive(Debug)]
pub struct Tryton;

impl Provider for Tryton {
    fn slug(&self) -> &'static str {
        "tryton"
    }

    fn name(&self) -> &'static str {
        "Tryton"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn prepare(&self, order: &PaymentOrder, key: &WriteKey) -> Result<PreparedWrite, Vec<Fault>> {
        prepare::prepare(order, key)
    }

    fn connect(&self, target: Target, client: Client) -> Box<dyn Connector> {
        Box::new(Books { rpc: Rpc::new(target, client), company: OnceCell::new(), has_analytic: OnceCell::new() })
    }
}

/// The way to the books of one company in a Tryton.
#[derive(Debug)]
struct Books {
    rpc: Rpc,
    company: OnceCell<i64>,
    has_analytic: OnceCell<bool>,
}

impl Books {
    /// The company's id.
    async fn company(&self) -> Result<i64, Error> {
        self.company.get_or_try_init(|| async { Ok(check::company(&self.rpc).await?.id) }).await.copied()
    }

    /// The context of every call. Orders to pay (`account.payment`) would lower what is to be paid of an invoice although
    /// no money moved.
    fn context(company: i64) -> Value {
        json!({
            "company": company,
            "companies": [company],
            "company_filter": "one",
            "language": "en",
            "with_payment": false,
        })
    }
}

#[async_trait]
impl Connector for Books {
    async fn check(&self) -> Result<SoftwareInfo, Error> {
        check::check(&self.rpc).await
    }

    async fn setup(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn fence(&self, write: &PreparedWrite) -> Result<Option<Fence>, Error> {
        self.fence_of(write).await.map(Some)
    }

    async fn find(&self, write: &PreparedWrite) -> Result<Found, Error> {
        self.find_payment(write).await
    }

    async fn create(&self, write: &PreparedWrite, fence: Option<Fence>) -> Result<RemotePayment, Error> {
        self.pay(write, fence).await
    }

    async fn get(&self, id: &RemoteId) -> Result<Option<RemotePayment>, Error> {
        self.payment(id).await
    }

    async fn keys(&self, resource: Resource, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        self.keys_after(resource, after).await
    }

    async fn objects(&self, resource: Resource, keys: &[RemoteKey]) -> Result<Vec<RemoteObject>, Error> {
        self.objects_of(resource, keys).await
    }

    async fn payment_keys(&self, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        self.payment_keys_after(after).await
    }

    async fn payments(&self, keys: &[RemoteKey]) -> Result<Vec<RemotePayment>, Error> {
        self.payments_of(keys).await
    }
}
