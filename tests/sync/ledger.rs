//! Accounting software in memory, which fails as a test wants it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use unibooks::connectors::{
    Capabilities, Company, Connector, Error, ExactlyOnce, Fault, Fence, Found, KeyPage, PaymentOrder, PreparedWrite,
    Provider, RemoteAllocation, RemoteKey, RemoteObject, RemotePayment, SoftwareInfo, Target,
};
use unibooks::domain::references::Resource;
use unibooks::domain::{RemoteId, WriteKey};
use unibooks::outgoing::Client;

/// Like real software, and in memory.
pub const CAPABILITIES: Capabilities = Capabilities {
    exactly_once: ExactlyOnce::OptimisticLock,
    members: &[],
    customer_payments: true,
    supplier_payments: true,
    max_allocations: 10,
    on_account: true,
    partly_on_account: true,
    takes_exchange_rate: false,
    reads_payments: true,
    max_in_flight: 3,
    timeout: Duration::from_mins(1),
    needs_setup: false,
};

/// The provider `ledger`.
#[derive(Debug)]
struct LedgerProvider;

/// The registry of these tests.
pub fn find(slug: &str) -> Option<&'static dyn Provider> {
    (slug == "ledger").then_some(&LedgerProvider)
}

/// The ledgers by their URLs.
static LEDGERS: Mutex<Option<HashMap<String, Arc<Ledger>>>> = Mutex::new(None);

/// What the next call of a kind does instead of its work.
#[derive(Debug)]
pub enum Script {
    /// It fails before anything is done.
    Fail(Error),
    /// It does its work and then fails: the answer is lost.
    Lose(Error),
}

/// One customer's books.
#[derive(Debug, Default)]
pub struct Ledger {
    pub state: Mutex<State>,
    /// Held by every creation, when a test wants to stop them.
    pub gate: Option<Semaphore>,
}

#[derive(Debug, Default)]
pub struct State {
    /// Payments by our key.
    pub payments: Vec<(String, RemotePayment)>,
    /// The calls: `fence`, `find`, `create`, each with the key.
    pub calls: Vec<(&'static str, String)>,
    pub next_creates: VecDeque<Script>,
    pub next_finds: VecDeque<Script>,
    pub next_checks: VecDeque<Error>,
    /// How many creations are under way for each invoice, and in all, and the most there were.
    pub under_way: HashMap<RemoteId, usize>,
    pub most_per_invoice: usize,
    pub most: usize,
}

impl Ledger {
    /// New books at a URL of their own.
    pub fn open(url: &str, gate: Option<Semaphore>) -> Arc<Self> {
        let ledger = Arc::new(Self { gate, ..Self::default() });
        let mut all = LEDGERS.lock().expect("no panic");
        all.get_or_insert_default().insert(url.to_owned(), Arc::clone(&ledger));
        ledger
    }

    pub fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().expect("no panic"))
    }

    /// How many calls of a kind there were.
    pub fn count(&self, call: &str) -> usize {
        self.with(|state| state.calls.iter().filter(|(name, _)| *name == call).count())
    }
}

/// The bytes of a write: its key and its amount.
pub fn prepared(key: &str, amount: i64, invoices: &[&str]) -> PreparedWrite {
    let bytes = json!({ "key": key, "amount": amount, "invoices": invoices }).to_string().into_bytes();
    PreparedWrite { bytes, invoices: invoices.iter().map(|id| id.parse().expect("an id")).collect() }
}

/// The payment that a write makes.
pub fn payment(write: &PreparedWrite, remote_id: &str) -> RemotePayment {
    let value: serde_json::Value = serde_json::from_slice(&write.bytes).expect("JSON");
    RemotePayment {
        remote_id: remote_id.parse().expect("an id"),
        remote_updated_at: None,
        data: RawValue::from_string(json!({ "memo": value["key"] }).to_string()).expect("JSON"),
        key: None,
        kind: None,
        amount: value["amount"].as_i64().expect("an amount").try_into().expect("an amount"),
        currency: "USD".parse().expect("a currency"),
        exchange_rate: None,
        date: "2026-11-26".parse().expect("a date"),
        account: None,
        contact: None,
        allocations: write
            .invoices
            .iter()
            .map(|invoice| RemoteAllocation { invoice: invoice.clone(), amount: None })
            .collect(),
        is_voided: false,
        concern: None,
    }
}

fn key(write: &PreparedWrite) -> String {
    let value: serde_json::Value = serde_json::from_slice(&write.bytes).expect("JSON");
    value["key"].as_str().expect("a key").to_owned()
}

impl Provider for LedgerProvider {
    fn slug(&self) -> &'static str {
        "ledger"
    }

    fn name(&self) -> &'static str {
        "Ledger"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn prepare(&self, order: &PaymentOrder, key: &WriteKey) -> Result<PreparedWrite, Vec<Fault>> {
        let invoices: Vec<_> = order.allocations.iter().map(|part| part.invoice.remote_id.as_str()).collect();
        Ok(prepared(key.as_str(), order.amount.get(), &invoices))
    }

    fn connect(&self, target: Target, _: Client) -> Box<dyn Connector> {
        let all = LEDGERS.lock().expect("no panic");
        Box::new(LedgerConnector(Arc::clone(&all.as_ref().expect("ledgers")[&target.url])))
    }
}

#[derive(Debug)]
struct LedgerConnector(Arc<Ledger>);

#[async_trait]
impl Connector for LedgerConnector {
    async fn check(&self) -> Result<SoftwareInfo, Error> {
        if let Some(error) = self.0.with(|state| state.next_checks.pop_front()) {
            return Err(error);
        }
        let company = Company {
            remote_id: "1".parse().expect("an id"),
            name: "Ledger".to_owned(),
            currency: "USD".parse().expect("a currency"),
        };
        Ok(SoftwareInfo { version: "1".to_owned(), company, missing: Vec::new(), needs_setup: false })
    }

    async fn setup(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn fence(&self, write: &PreparedWrite) -> Result<Option<Fence>, Error> {
        Ok(self.0.with(|state| {
            state.calls.push(("fence", key(write)));
            Some(Fence(state.payments.len().to_string()))
        }))
    }

    async fn find(&self, write: &PreparedWrite) -> Result<Found, Error> {
        self.0.with(|state| {
            let key = key(write);
            state.calls.push(("find", key.clone()));
            if let Some(Script::Fail(error) | Script::Lose(error)) = state.next_finds.pop_front() {
                return Err(error);
            }
            let found: Vec<_> = state.payments.iter().filter(|(of, _)| *of == key).map(|(_, found)| found).collect();
            Ok(match found[..] {
                [] => Found::Absent,
                [one] => Found::One(Box::new(one.clone())),
                [..] => Found::Many(found.iter().map(|payment| payment.remote_id.clone()).collect()),
            })
        })
    }

    async fn create(&self, write: &PreparedWrite, _: Option<Fence>) -> Result<RemotePayment, Error> {
        let script = self.0.with(|state| {
            state.calls.push(("create", key(write)));
            for invoice in &write.invoices {
                *state.under_way.entry(invoice.clone()).or_default() += 1;
            }
            let most = state.under_way.values().copied().max().unwrap_or_default();
            state.most_per_invoice = state.most_per_invoice.max(most);
            state.most = state.most.max(state.under_way.values().sum());
            state.next_creates.pop_front()
        });
        match &self.0.gate {
            Some(gate) => gate.acquire().await.expect("open").forget(),
            None => tokio::task::yield_now().await,
        }
        self.0.with(|state| {
            for invoice in &write.invoices {
                *state.under_way.entry(invoice.clone()).or_default() -= 1;
            }
            if let Some(Script::Fail(error)) = script {
                return Err(error);
            }
            let made = payment(write, &format!("{}", 100 + state.payments.len()));
            state.payments.push((key(write), made.clone()));
            if let Some(Script::Lose(error)) = script { Err(error) } else { Ok(made) }
        })
    }

    async fn get(&self, id: &RemoteId) -> Result<Option<RemotePayment>, Error> {
        Ok(self.0.with(|state| {
            let found = state.payments.iter().find(|(_, payment)| payment.remote_id == *id);
            found.map(|(_, payment)| payment.clone())
        }))
    }

    async fn keys(&self, _: Resource, _: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        Ok(KeyPage { keys: Vec::new(), is_last: true })
    }

    async fn objects(&self, _: Resource, _: &[RemoteKey]) -> Result<Vec<RemoteObject>, Error> {
        Ok(Vec::new())
    }

    async fn payment_keys(&self, _: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        Ok(KeyPage { keys: Vec::new(), is_last: true })
    }

    async fn payments(&self, _: &[RemoteKey]) -> Result<Vec<RemotePayment>, Error> {
        Ok(Vec::new())
    }
}
