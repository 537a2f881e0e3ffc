//! Odoo 14 and 19.
//!
//! A payment is written in three steps: Odoo's import (`load`) creates it under an external id that holds our key, then it
//! is posted, then its open item is matched with the invoice's. The external id is unique in Odoo's database: of several
//! senders one creates the payment. Each step looks first whether it is done.

mod auth;
mod check;
mod error;
mod fields;
mod matches;
mod payment;
mod payments;
mod prepare;
mod references;
mod reply;
mod seen;
mod value;

use std::time::Duration;

use async_trait::async_trait;
use auth::Rpc;
use prepare::Write;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{
    Capabilities, Connector, Error, ExactlyOnce, Fault, Fence, Found, KeyPage, Member, PaymentOrder, PreparedWrite,
    Provider, RemoteKey, RemoteObject, RemotePayment, SoftwareInfo, Target, json,
};
use crate::domain::references::Resource;
use crate::domain::{ConnectionId, RemoteId, WriteKey};
use crate::outgoing::Client;

/// How long a call may take. Odoo ends its own after 120 seconds.
const TIMEOUT: Duration = Duration::from_mins(1);

static CAPABILITIES: Capabilities = Capabilities {
    exactly_once: ExactlyOnce::ExternalId,
    members: &[
        required("currency"),
        required("transaction_date"),
        required("account_id"),
        Member { name: "exchange_rate", required: false, ignored: true, max_length: None },
    ],
    customer_payments: true,
    supplier_payments: true,
    // Odoo chooses the amount of each match itself, so the parts of several invoices cannot be given.
    max_allocations: 1,
    on_account: true,
    partly_on_account: false,
    takes_exchange_rate: false,
    reads_payments: true,
    // Two at once often meet in the number sequence of a journal, and Odoo rolls one of them back.
    max_in_flight: 1,
    timeout: TIMEOUT,
    needs_setup: false,
};

const fn required(name: &'static str) -> Member {
    Member { name, required: true, ignored: false, max_length: None }
}

/// Odoo as such.
#[derive(Debug)]
pub struct Odoo;

impl Provider for Odoo {
    fn slug(&self) -> &'static str {
        "odoo"
    }

    fn name(&self) -> &'static str {
        "Odoo"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn prepare(&self, order: &PaymentOrder, key: &WriteKey) -> Result<PreparedWrite, Vec<Fault>> {
        prepare::prepare(order, key)
    }

    fn connect(&self, target: Target, client: Client) -> Box<dyn Connector> {
        Box::new(Books { connection_id: target.connection_id, rpc: Rpc::new(&target, client) })
    }
}

/// One company's books in one Odoo.
#[derive(Debug)]
struct Books {
    connection_id: ConnectionId,
    rpc: Rpc,
}

#[async_trait]
impl Connector for Books {
    async fn check(&self) -> Result<SoftwareInfo, Error> {
        self.look_around().await
    }

    async fn setup(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn fence(&self, _: &PreparedWrite) -> Result<Option<Fence>, Error> {
        Ok(None)
    }

    async fn find(&self, write: &PreparedWrite) -> Result<Found, Error> {
        self.find_payment(&Write::read(write)?).await
    }

    async fn create(&self, write: &PreparedWrite, _: Option<Fence>) -> Result<RemotePayment, Error> {
        self.create_payment(&Write::read(write)?).await
    }

    async fn get(&self, id: &RemoteId) -> Result<Option<RemotePayment>, Error> {
        let Ok(id) = id.as_str().parse() else { return Ok(None) };
        Ok(self.see(id).await?.map(|seen| seen.payment))
    }

    async fn keys(&self, resource: Resource, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        self.page_of_keys(resource, after).await
    }

    async fn objects(&self, resource: Resource, keys: &[RemoteKey]) -> Result<Vec<RemoteObject>, Error> {
        self.read_objects(resource, keys).await
    }

    async fn payment_keys(&self, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        self.page_of_payment_keys(after).await
    }

    async fn payments(&self, keys: &[RemoteKey]) -> Result<Vec<RemotePayment>, Error> {
        self.read_payments(keys).await
    }
}

impl Books {
    /// Records in the order of their ids: each as Odoo wrote it, and what we read of it.
    async fn search<T: DeserializeOwned>(
        &self,
        model: &str,
        domain: Value,
        fields: &[&str],
    ) -> Result<Vec<(Box<RawValue>, T)>, Error> {
        let arguments = serde_json::json!({"domain": domain, "fields": fields, "order": "id"});
        let records: Vec<Box<RawValue>> = self.rpc.call(model, "search_read", None, arguments).await?;
        records.into_iter().map(|record| read_record(model, &record).map(|read| (record, read))).collect()
    }
}

fn read_record<T: DeserializeOwned>(model: &str, record: &RawValue) -> Result<T, Error> {
    json::read(record.get().as_bytes()).map_err(|error| match error {
        Error::Protocol(detail) => Error::Protocol(format!("{model}: {detail}")),
        other => other,
    })
}
