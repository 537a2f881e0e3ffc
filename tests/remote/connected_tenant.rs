//! A server of ours whose connection leads to a real Tryton.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use unibooks::auth::Worker;
use unibooks::connectors::{Target, registry};
use unibooks::domain::references::Resource;
use unibooks::domain::{Clock, ConnectionId, DisplayName};
use unibooks::management::connections::{self, NewConnection, NewSoftware};
use unibooks::sync::pull;
use uuid::Uuid;

use crate::support::app::{Answer, App, CredentialOptions, Tenant};
use crate::support::tryton::{Session, Tryton};

/// A tenant whose books are in Tryton.
pub struct ConnectedTenant {
    pub app: App,
    pub tenant: Tenant,
    pub bookkeeper: Session,
    /// The id of the account that money is booked on.
    pub account: String,
    /// Ends the writes when it is dropped.
    _stop: oneshot::Sender<()>,
    _writes: JoinHandle<()>,
}

impl ConnectedTenant {
    /// Connects to `tryton` at `url`, reads its books, and begins to write.
    pub async fn to(tryton: &Tryton, url: &str) -> Self {
        let app = App::new().await;
        let mut tenant = app.tenant().await;
        (tenant.connection_id, tenant.connection_token) = create(&app, &tenant, tryton, url).await;
        let (stop, stopped) = oneshot::channel::<()>();
        let writes = tokio::spawn(app.remote_writes.clone().run(async move { drop(stopped.await) }));
        let bookkeeper = tryton.bookkeeper().await;
        let mut connected = Self { app, tenant, bookkeeper, account: String::new(), _stop: stop, _writes: writes };
        connected.pull().await;
        let cash = connected.account_of_one_method().await.to_string().parse().expect("an id");
        connected.account = Resource::Account.id(connected.tenant.connection_id, &cash).0.to_string();
        connected
    }

    /// The account on which exactly one payment method books, so that it says which method is meant.
    async fn account_of_one_method(&self) -> i64 {
        let methods = "account.invoice.payment.method";
        let methods = self.bookkeeper.search(methods, json!([]), &["debit_account", "credit_account"]).await;
        let booked = |id: &Value| {
            methods.iter().filter(|method| [&method["debit_account"], &method["credit_account"]].contains(&id)).count()
        };
        let one = methods.iter().map(|method| &method["debit_account"]).find(|id| booked(id) == 1);
        one.and_then(Value::as_i64).expect("an account of one method")
    }

    /// Reads the books of Tryton.
    pub async fn pull(&self) {
        let worker = Worker::from_app(self.app.database.clone());
        let job = worker.job(self.tenant.project_id, self.tenant.connection_id);
        pull::store::enroll(&worker).await.expect("enrolled");
        let mut session = self.app.connect().await;
        sqlx::query("update pull set due_at = now(), lease_until = null").execute(&mut session).await.expect("due");
        let lease = pull::store::lease(&job, Uuid::from_u128(rand::random()), pull::LEASE).await;
        let software = connections::software(&job).await.expect("read").expect("software");
        let access = crate::support::app::remote().access;
        let connector = access.connect(self.tenant.connection_id, &software).expect("access");
        let capabilities = access.provider(&software).expect("a provider").capabilities();
        let lease = lease.expect("asked").expect("a lease");
        pull::pull(&job, &*connector, capabilities, &lease, &|| false).await.expect("pulled");
    }

    /// The body that pays an invoice of Tryton, in cents.
    pub fn payment(&self, invoice: i64, cents: i64) -> Value {
        let remote_id = invoice.to_string().parse().expect("an id");
        json!({
            "invoice_id": Resource::Invoice.id(self.tenant.connection_id, &remote_id),
            "account_id": self.account,
            "total_amount": cents,
            "currency": "USD",
            "transaction_date": today().format("%Y-%m-%d").to_string(),
        })
    }

    /// A payment as it is now.
    pub async fn read(&self, id: &str) -> Answer {
        self.app.get(&self.tenant, &format!("/accounting/payments/{id}?remote_data=true")).await
    }
}

fn today() -> DateTime<Utc> {
    Clock::system().now()
}

async fn create(app: &App, tenant: &Tenant, tryton: &Tryton, url: &str) -> (ConnectionId, String) {
    let now = Clock::system().now();
    let provider = registry::find("tryton").expect("registered");
    let target = Target {
        connection_id: ConnectionId::new(now),
        url: format!("{url}/{}", tryton.database()),
        database: None,
        company: None,
        login: Some(tryton.login().to_owned()),
        secret: tryton.password().into(),
    };
    let settings = crate::support::app::remote();
    let found = provider.connect(target.clone(), settings.access.client.clone()).check().await.expect("signed in");
    let software = NewSoftware { provider, target, found: Some(found), keys: settings.access.keys.expect("keys") };
    let label: DisplayName = "Tryton".parse().expect("a name");
    let CredentialOptions { expires_at, .. } = CredentialOptions::default();
    let new = NewConnection { project_id: tenant.project_id, label, software: Some(software), expires_at };
    let operator = unibooks::auth::Operator::from_cli(app.database.clone());
    let mut transaction = operator.transaction().await.expect("begun");
    let (connection, token) = connections::create(&mut transaction, new, now).await.expect("created");
    transaction.commit().await.expect("committed");
    (connection.id, token.expose().to_owned())
}
