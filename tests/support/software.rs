//! Accounting software in the memory of a test. It is for what no real program does on demand: it fails at a chosen page,
//! commits late, counts what it is asked. What real programs do is tested with real ones (`tests/remote`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use unibooks::auth::{JobScope, Worker};
use unibooks::connectors::{
    Capabilities, Connector, Error, Fence, Fields, Found, KeyPage, PreparedWrite, RemoteKey, RemoteObject,
    RemotePayment, SoftwareInfo, registry,
};
use unibooks::domain::RemoteId;
use unibooks::domain::references::Resource;
use unibooks::sync::pull::{self, Failure, store};
use uuid::Uuid;

use super::app::{App, Tenant};

/// Gives the connection of a tenant accounting software that nobody can reach.
pub async fn connect(app: &App, tenant: &Tenant) {
    let mut session = app.connect().await;
    sqlx::query("update connection set provider = 'tryton' where id = $1")
        .bind(tenant.connection_id.0)
        .execute(&mut session)
        .await
        .expect("connected");
    sqlx::query(
        "insert into connection_software (connection_id, url, sealed_secret, status, status_since, created_at, modified_at)
         values ($1, 'http://127.0.0.1:1', '', 'valid', now(), now(), now())",
    )
    .bind(tenant.connection_id.0)
    .execute(&mut session)
    .await
    .expect("connected");
}

/// The task that works for a tenant.
pub fn job(app: &App, tenant: &Tenant) -> JobScope {
    Worker::from_app(app.database.clone()).job(tenant.project_id, tenant.connection_id)
}

/// The pull of a tenant is due now, and nobody has its lease.
pub async fn due(app: &App, tenant: &Tenant) {
    sqlx::query(
        "insert into pull values ($1, now(), null, null, null, now())
         on conflict (connection_id) do update set due_at = excluded.due_at, lease_id = null, lease_until = null",
    )
    .bind(tenant.connection_id.0)
    .execute(&mut app.connect().await)
    .await
    .expect("due");
}

/// Asks for a pull of a tenant out of turn.
pub async fn request(app: &App, tenant: &Tenant, pause: Duration) {
    let project = Worker::from_app(app.database.clone()).project(tenant.project_id);
    store::request(&project, Some(tenant.connection_id), pause).await.expect("asked");
}

/// Takes the lease.
pub async fn lease(app: &App, tenant: &Tenant) -> Option<store::Lease> {
    store::lease(&job(app, tenant), Uuid::now_v7(), pull::LEASE).await.expect("asked")
}

/// What the software of these tests can do.
pub fn capabilities() -> &'static Capabilities {
    registry::find("tryton").expect("a provider").capabilities()
}

/// Pulls once.
pub async fn pull_once(app: &App, tenant: &Tenant, books: &dyn Connector) -> Result<(), Failure> {
    due(app, tenant).await;
    let lease = lease(app, tenant).await.expect("nobody has it");
    pull::pull(&job(app, tenant), books, capabilities(), &lease, &|| false).await
}

/// An object, as the software has it.
#[derive(Debug, Clone)]
struct Object {
    stamp: u64,
    fields: Fields,
    record: Value,
}

/// The next failure, when its turn comes.
type Plan = Box<dyn FnMut(Call) -> Result<(), Error> + Send>;

/// What the software is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// The keys of a resource, after this position.
    Keys(Resource, Option<String>),
    /// So many objects of a resource.
    Objects(Resource, usize),
    /// The keys of payments, after this position.
    PaymentKeys(Option<String>),
    /// So many payments.
    Payments(usize),
}

/// The software. Its keys are numbers; a page has three. Clones are the same.
#[derive(Clone)]
pub struct Books(Arc<Inner>);

struct Inner {
    objects: Mutex<BTreeMap<(Resource, u64), Object>>,
    /// With their stamps.
    payments: Mutex<BTreeMap<u64, (u64, RemotePayment)>>,
    calls: Mutex<Vec<Call>>,
    plan: Mutex<Plan>,
    page: usize,
}

impl fmt::Debug for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Books")
    }
}

impl Default for Books {
    fn default() -> Self {
        Self::with_pages_of(3)
    }
}

impl Books {
    /// Books with a page of another size.
    pub fn with_pages_of(page: usize) -> Self {
        let plan: Plan = Box::new(|_| Ok(()));
        let (objects, payments, calls) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { objects, payments, calls, plan: Mutex::new(plan), page }))
    }

    /// Stores an object of this number, with this stamp. Its members are those of its resource with this name.
    pub fn put(&self, resource: Resource, number: u64, stamp: u64, name: &str) {
        let record = json!({ "id": number, "name": name });
        let object = Object { stamp, fields: fields(resource, name), record };
        self.0.objects.lock().expect("no panic").insert((resource, number), object);
    }

    /// The object is gone.
    pub fn remove(&self, resource: Resource, number: u64) {
        self.0.objects.lock().expect("no panic").remove(&(resource, number)).expect("it was there");
    }

    /// Stores a payment at this place, with this stamp.
    pub fn put_payment(&self, number: u64, stamp: u64, payment: RemotePayment) {
        self.0.payments.lock().expect("no panic").insert(number, (stamp, payment));
    }

    /// The payment is gone.
    pub fn remove_payment(&self, number: u64) {
        self.0.payments.lock().expect("no panic").remove(&number).expect("it was there");
    }

    /// What each call is answered first.
    pub fn plan(&self, plan: impl FnMut(Call) -> Result<(), Error> + Send + 'static) {
        *self.0.plan.lock().expect("no panic") = Box::new(plan);
    }

    /// What was asked since the last time.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.calls.lock().expect("no panic"))
    }

    fn called(&self, call: Call) -> Result<(), Error> {
        self.0.calls.lock().expect("no panic").push(call.clone());
        (self.0.plan.lock().expect("no panic"))(call)
    }
}

/// An object of a resource that has only a name.
fn fields(resource: Resource, name: &str) -> Fields {
    let members = json!({ "name": name, "number": name });
    let read = match resource {
        Resource::CompanyInfo => serde_json::from_value(members).map(Fields::CompanyInfo),
        Resource::Account => serde_json::from_value(members).map(Fields::Account),
        Resource::Contact => serde_json::from_value(members).map(Fields::Contact),
        Resource::TrackingCategory => serde_json::from_value(members).map(Fields::TrackingCategory),
        Resource::AccountingPeriod => serde_json::from_value(members).map(Fields::AccountingPeriod),
        Resource::Invoice => serde_json::from_value(members).map(|invoice| Fields::Invoice(Box::new(invoice))),
    };
    read.expect("members")
}

fn key(number: u64, object: &Object) -> RemoteKey {
    RemoteKey {
        remote_id: number.to_string().parse::<RemoteId>().expect("a remote id"),
        position: format!("{number:012}"),
        stamp: object.stamp.to_string(),
    }
}

#[async_trait]
impl Connector for Books {
    async fn check(&self) -> Result<SoftwareInfo, Error> {
        Err(Error::Unsupported("these books are only read".to_owned()))
    }

    async fn setup(&self) -> Result<(), Error> {
        Err(Error::Unsupported("these books are only read".to_owned()))
    }

    async fn fence(&self, _: &PreparedWrite) -> Result<Option<Fence>, Error> {
        Err(Error::Unsupported("these books are only read".to_owned()))
    }

    async fn find(&self, _: &PreparedWrite) -> Result<Found, Error> {
        Err(Error::Unsupported("these books are only read".to_owned()))
    }

    async fn create(&self, _: &PreparedWrite, _: Option<Fence>) -> Result<RemotePayment, Error> {
        Err(Error::Unsupported("these books are only read".to_owned()))
    }

    async fn get(&self, _: &RemoteId) -> Result<Option<RemotePayment>, Error> {
        Err(Error::Unsupported("these books are only read".to_owned()))
    }

    async fn keys(&self, resource: Resource, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        self.called(Call::Keys(resource, after.map(|key| key.position.clone())))?;
        let after = after.map_or(0, |key| key.position.parse().expect("a number"));
        let objects = self.0.objects.lock().expect("no panic");
        let rest = objects.range((resource, after + 1)..=(resource, u64::MAX));
        let keys: Vec<_> = rest.clone().take(self.0.page).map(|((_, number), object)| key(*number, object)).collect();
        Ok(KeyPage { is_last: rest.count() <= self.0.page, keys })
    }

    async fn objects(&self, resource: Resource, keys: &[RemoteKey]) -> Result<Vec<RemoteObject>, Error> {
        self.called(Call::Objects(resource, keys.len()))?;
        let objects = self.0.objects.lock().expect("no panic");
        let read = keys.iter().filter_map(|key| {
            let object = objects.get(&(resource, key.position.parse().expect("a number")))?;
            Some(RemoteObject {
                remote_id: key.remote_id.clone(),
                fields: object.fields.clone(),
                remote_data: RawValue::from_string(object.record.to_string()).expect("JSON"),
                remote_updated_at: None,
            })
        });
        // In no order.
        Ok(read.collect::<Vec<_>>().into_iter().rev().collect())
    }

    async fn payment_keys(&self, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        self.called(Call::PaymentKeys(after.map(|key| key.position.clone())))?;
        let after = after.map_or(0, |key| key.position.parse().expect("a number"));
        let payments = self.0.payments.lock().expect("no panic");
        let rest = payments.range(after + 1..);
        let key = |(number, (stamp, payment)): (&u64, &(u64, RemotePayment))| RemoteKey {
            remote_id: payment.remote_id.clone(),
            position: format!("{number:012}"),
            stamp: stamp.to_string(),
        };
        let keys: Vec<_> = rest.clone().take(self.0.page).map(key).collect();
        Ok(KeyPage { is_last: rest.count() <= self.0.page, keys })
    }

    async fn payments(&self, keys: &[RemoteKey]) -> Result<Vec<RemotePayment>, Error> {
        self.called(Call::Payments(keys.len()))?;
        let payments = self.0.payments.lock().expect("no panic");
        let read = keys.iter().filter_map(|key| payments.get(&key.position.parse().expect("a number")));
        Ok(read.map(|(_, payment)| payment.clone()).rev().collect())
    }
}
