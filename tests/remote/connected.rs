//! A connector to a real Tryton, and payments for it.

use chrono::NaiveDate;
use unibooks::connectors::{
    Allocation, Connector, Error, Fence, Fields, Found, PaymentOrder, PreparedWrite, Provider, Referenced, RemoteKey,
    RemoteObject, RemotePayment, Sent, Target, decimal, registry,
};
use unibooks::domain::references::Resource;
use unibooks::domain::{Clock, ConnectionId, PaymentId, RemoteId, WriteKey};
use unibooks::outgoing::{BodyLimit, Client, Networks, Options};

use crate::support::tryton::Tryton;

/// The account of the books on which exactly one payment method books, by its number.
pub const BANK: &str = "1.1.1";

/// The way to the books, and what payments of them need.
pub struct Connected {
    pub connector: Box<dyn Connector>,
}

/// The program as such.
pub fn provider() -> &'static dyn Provider {
    registry::find("tryton").expect("a provider")
}

pub fn client() -> Client {
    let options = Options {
        networks: Networks::loopback(),
        ca_file: None,
        connect_timeout: std::time::Duration::from_secs(10),
        networks_setting: "UNIBOOKS_CONNECTOR_NETWORKS",
        answer_limit: BodyLimit::Whole(10 << 20),
        max_idle_per_host: 4,
    };
    Client::new(&options).expect("a client")
}

/// Where the books are, for the user that a connector signs in as.
pub fn target(tryton: &Tryton) -> Target {
    Target {
        connection_id: ConnectionId(uuid::Uuid::from_u128(7)),
        url: format!("{}/{}", tryton.url(), tryton.database()),
        database: None,
        company: None,
        login: Some(tryton.login().to_owned()),
        secret: tryton.password().into(),
    }
}

pub fn remote_id(id: i64) -> RemoteId {
    id.to_string().parse().expect("an id")
}

/// The ids of the invoices that a payment pays.
pub fn paid_invoices(payment: &RemotePayment) -> Vec<RemoteId> {
    payment.invoices().cloned().collect()
}

/// The keys of all payments of some books.
pub async fn all_payment_keys(books: &dyn Connector) -> Vec<RemoteKey> {
    let mut keys: Vec<RemoteKey> = Vec::new();
    loop {
        let page = books.payment_keys(keys.last()).await.expect("a page");
        keys.extend(page.keys);
        if page.is_last {
            return keys;
        }
    }
}

/// Today, in UTC.
pub fn today() -> NaiveDate {
    Clock::system().now().date_naive()
}

/// A key that no other payment has.
pub fn new_key() -> WriteKey {
    WriteKey::new(ConnectionId(uuid::Uuid::from_u128(7)), PaymentId::new(Clock::system().now()), None)
}

impl Connected {
    pub fn new(tryton: &Tryton) -> Self {
        Self { connector: provider().connect(target(tryton), client()) }
    }

    /// All objects of a resource, page by page.
    pub async fn all(&self, resource: Resource) -> Vec<RemoteObject> {
        let mut objects = Vec::new();
        for keys in self.pages(resource).await {
            objects.extend(self.connector.objects(resource, &keys).await.expect("objects"));
        }
        objects
    }

    /// All keys of a resource.
    pub async fn keys(&self, resource: Resource) -> Vec<RemoteKey> {
        self.pages(resource).await.concat()
    }

    async fn pages(&self, resource: Resource) -> Vec<Vec<RemoteKey>> {
        let mut pages: Vec<Vec<RemoteKey>> = Vec::new();
        loop {
            let after = pages.last().and_then(|keys| keys.last()).cloned();
            let page = self.connector.keys(resource, after.as_ref()).await.expect("keys");
            pages.push(page.keys);
            if page.is_last {
                return pages;
            }
        }
    }

    /// One object.
    pub async fn object(&self, resource: Resource, id: i64) -> RemoteObject {
        let key = RemoteKey { remote_id: remote_id(id), position: String::new(), stamp: String::new() };
        self.connector.objects(resource, &[key]).await.expect("objects").pop().expect("an object")
    }

    /// The stamp of an invoice.
    pub async fn stamp(&self, invoice: i64) -> String {
        let before = RemoteKey { remote_id: remote_id(invoice - 1), position: String::new(), stamp: String::new() };
        let page = self.connector.keys(Resource::Invoice, Some(&before)).await.expect("keys");
        page.keys[0].stamp.clone()
    }

    /// A payment of today for an invoice, in its currency, from or to the account of a number.
    pub async fn order(&self, invoice: i64, amount: &str, account_number: &str) -> PaymentOrder {
        let invoice = referenced(self.object(Resource::Invoice, invoice).await, "/invoice_id", |fields| match fields {
            Fields::Invoice(invoice) => *invoice,
            other => panic!("{other:?}"),
        });
        let account = self.all(Resource::Account).await.into_iter().map(|object| {
            referenced(object, "/account_id", |fields| match fields {
                Fields::Account(account) => account,
                other => panic!("{other:?}"),
            })
        });
        let is_meant = |account: &&Referenced<_>| account_number == number(account);
        let account = account.collect::<Vec<_>>().iter().find(is_meant).cloned().expect("an account");
        let currency = invoice.fields.currency.expect("a currency");
        let digits = currency.minor_units().expect("digits");
        let amount = decimal::minor_units(amount, digits).expect("an amount");
        PaymentOrder {
            date: today(),
            amount,
            currency,
            digits,
            allocations: vec![Allocation { invoice, amount }],
            account,
            contact: None,
            exchange_rate: None,
            base_currency: None,
            company: None,
        }
    }

    /// Prepares a payment of today by bank transfer.
    pub async fn prepare(&self, invoice: i64, amount: &str, key: &WriteKey) -> PreparedWrite {
        provider().prepare(&self.order(invoice, amount, BANK).await, key).expect("a write")
    }

    /// Writes it once, as `sync` does.
    pub async fn write(&self, write: &PreparedWrite) -> Result<RemotePayment, Error> {
        let fence = self.connector.fence(write).await?;
        match self.connector.find(write).await? {
            Found::Absent => self.send(write, fence).await,
            Found::One(payment) => Ok(*payment),
            other => panic!("{other:?}"),
        }
    }

    /// Sends a payment, again when a call of another test was in the way and nothing was written.
    pub async fn send(&self, write: &PreparedWrite, fence: Option<Fence>) -> Result<RemotePayment, Error> {
        loop {
            match self.connector.create(write, fence.clone()).await {
                Err(Error::Unavailable { sent: Sent::No, .. }) => {}
                outcome => return outcome,
            }
        }
    }
}

fn number(account: &Referenced<unibooks::domain::references::Account>) -> &str {
    account.fields.account_number.as_deref().unwrap_or_default()
}

fn referenced<T>(object: RemoteObject, pointer: &str, of: fn(Fields) -> T) -> Referenced<T> {
    Referenced {
        pointer: pointer.to_owned(),
        remote_id: object.remote_id,
        fields: of(object.fields),
        remote_data: object.remote_data,
    }
}
