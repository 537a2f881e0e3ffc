//! A real site, and what the tests do in it by hand.

use std::time::Duration;

use rand::RngExt;
use secrecy::SecretString;
use serde_json::{Value, json};
use unibooks::connectors::{
    Allocation, Connector, Fields, PaymentOrder, PreparedWrite, Provider, Referenced, RemoteKey, Target, registry,
};
use unibooks::domain::references::{Account, Contact, Invoice, Resource};
use unibooks::domain::{ConnectionId, Currency, MinorUnits, PaymentId, RemoteId, WriteKey};
use unibooks::outgoing::{BodyLimit, Client, Networks, Options};
use uuid::Uuid;

/// A site with its users.
pub struct Books {
    url: reqwest::Url,
    pub company: String,
}

impl Books {
    /// The site that the variable names; `None`, with a message, when there is none.
    pub fn open() -> Option<Self> {
        let Ok(text) = std::env::var("UNIBOOKS_TEST_ERPNEXT") else {
            println!("skipped: UNIBOOKS_TEST_ERPNEXT names no ERPNext (see tests/remote/erpnext/mod.rs)");
            return None;
        };
        let url: reqwest::Url = text.parse().expect("UNIBOOKS_TEST_ERPNEXT is a URL");
        let mut books = Self { company: String::new(), url };
        books.company = books.option("company");
        Some(books)
    }

    fn option(&self, name: &str) -> String {
        self.url.query_pairs().find(|(key, _)| key == name).expect(name).1.into_owned()
    }

    fn address(&self) -> String {
        let port = self.url.port_or_known_default().expect("a port");
        format!("{}://{}:{port}", self.url.scheme(), self.url.host_str().expect("a host"))
    }

    pub fn connector(&self) -> Box<dyn Connector> {
        self.connector_of(&self.company)
    }

    /// The connector of the books of another company.
    pub fn connector_of(&self, company: &str) -> Box<dyn Connector> {
        self.connector_as(self.url.username(), self.url.password().expect("a secret"), Some(company))
    }

    pub fn connector_as(&self, key: &str, secret: &str, company: Option<&str>) -> Box<dyn Connector> {
        let target = Target {
            connection_id: ConnectionId(Uuid::from_u128(7)),
            url: self.address(),
            database: None,
            company: company.map(remote_id),
            login: Some(key.to_owned()),
            secret: SecretString::from(secret),
        };
        let options = Options {
            networks: Networks::loopback(),
            ca_file: None,
            connect_timeout: Duration::from_secs(5),
            networks_setting: "UNIBOOKS_CONNECTOR_NETWORKS",
            answer_limit: BodyLimit::Whole(16 << 20),
            max_idle_per_host: 4,
        };
        provider().connect(target, Client::new(&options).expect("a client"))
    }

    /// The connector with the rights of a System Manager.
    pub fn connector_of_administrator(&self) -> Box<dyn Connector> {
        let credentials = self.option("administrator");
        let (key, secret) = credentials.split_once(':').expect("KEY:SECRET");
        self.connector_as(key, secret, Some(&self.company))
    }

    /// Calls a function of the site as a System Manager.
    pub async fn administrate(&self, method: &str, arguments: &Value) {
        let answer = self.post(&format!("/api/method/{method}"), arguments, &self.option("administrator")).await;
        assert!(answer.get("exc").is_none(), "{answer}");
    }

    /// Makes a document as the accountant, and answers its name.
    pub async fn make(&self, doctype: &str, document: Value) -> String {
        let made = self.post(&format!("/api/resource/{doctype}"), &document, &self.option("accountant")).await;
        made["data"]["name"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    pub async fn cancel(&self, name: &str) {
        let cancelled = json!({"doctype": "Payment Entry", "name": name});
        let answer = self.post("/api/method/frappe.client.cancel", &cancelled, &self.option("accountant")).await;
        assert_eq!(answer["message"]["docstatus"], 2, "{answer}");
    }

    /// How many documents of a kind there are.
    pub async fn count(&self, doctype: &str) -> usize {
        let (doctype, token) = (json!({"doctype": doctype}), self.option("accountant"));
        let answer = self.post("/api/method/frappe.client.get_count", &doctype, &token).await;
        answer["message"].as_u64().and_then(|count| count.try_into().ok()).unwrap_or_else(|| panic!("{answer}"))
    }

    async fn post(&self, path: &str, body: &Value, token: &str) -> Value {
        let request = reqwest::Client::new().post(format!("{}{path}", self.address()));
        let signed = request.header("Authorization", format!("token {token}"));
        signed.json(body).send().await.expect("an answer").json().await.expect("JSON")
    }

    /// A submitted invoice of one line.
    pub async fn sales_invoice(&self, customer: &str, amount: &str) -> Referenced<Invoice> {
        let is_euro = customer.starts_with("Euro");
        let amount: Value = serde_json::from_str(amount).expect("a number");
        let name = self.make("Sales Invoice", json!({
            "docstatus": 1, "customer": customer, "company": self.company, "due_date": "2027-12-31",
            "currency": if is_euro { "EUR" } else { "USD" }, "conversion_rate": if is_euro { json!(1.25) } else { json!(1) },
            "items": [{"item_code": "SERVICE", "qty": 1, "rate": amount}],
        }));
        self.invoice(&format!("Sales Invoice/{}", name.await), "/invoice_id").await
    }

    /// A submitted bill of one line.
    pub async fn purchase_invoice(&self, amount: &str) -> Referenced<Invoice> {
        let amount: Value = serde_json::from_str(amount).expect("a number");
        let name = self.make(
            "Purchase Invoice",
            json!({
                "docstatus": 1, "supplier": "Widget Supplier", "company": self.company, "due_date": "2027-12-31",
                "bill_no": new_key().as_str(), "items": [{"item_code": "SERVICE", "qty": 1, "rate": amount}],
            }),
        );
        self.invoice(&format!("Purchase Invoice/{}", name.await), "/invoice_id").await
    }

    /// An invoice as the connector reads it.
    pub async fn invoice(&self, id: &str, pointer: &str) -> Referenced<Invoice> {
        let (fields, remote_id, remote_data) = self.object(Resource::Invoice, id).await;
        let Fields::Invoice(invoice) = fields else { panic!("{fields:?}") };
        Referenced { pointer: pointer.to_owned(), remote_id, fields: *invoice, remote_data }
    }

    pub async fn contact(&self, id: &str) -> Referenced<Contact> {
        let (fields, remote_id, remote_data) = self.object(Resource::Contact, id).await;
        let Fields::Contact(fields) = fields else { panic!("{fields:?}") };
        Referenced { pointer: "/contact_id".to_owned(), remote_id, fields, remote_data }
    }

    /// The bank account of a currency.
    pub async fn bank(&self, currency: &str) -> Referenced<Account> {
        let connector = self.connector();
        let keys = connector.keys(Resource::Account, None).await.expect("keys").keys;
        let objects = connector.objects(Resource::Account, &keys).await.expect("accounts");
        let mut accounts = objects.into_iter().filter_map(|object| {
            let Fields::Account(fields) = object.fields else { panic!("{:?}", object.fields) };
            let is_bank = fields.is_payment_account && fields.kind.as_deref() == Some("Bank");
            let is_wanted = is_bank && fields.currency.is_some_and(|found| found.code() == currency);
            let pointer = "/account_id".to_owned();
            let (remote_id, remote_data) = (object.remote_id, object.remote_data);
            is_wanted.then_some(Referenced { pointer, remote_id, fields, remote_data })
        });
        accounts.next_back().expect("a bank account")
    }

    async fn object(&self, resource: Resource, id: &str) -> (Fields, RemoteId, Box<serde_json::value::RawValue>) {
        let key = RemoteKey { remote_id: remote_id(id), position: String::new(), stamp: String::new() };
        let objects = self.connector().objects(resource, &[key]).await.expect("objects");
        let object = objects.into_iter().next().unwrap_or_else(|| panic!("no {id}"));
        (object.fields, object.remote_id, object.remote_data)
    }

    /// A payment in minor units of a currency, from or to its bank account.
    pub async fn order(&self, amount: i64, currency: &str, invoices: Vec<(Referenced<Invoice>, i64)>) -> PaymentOrder {
        let allocation = |(invoice, amount)| Allocation { invoice, amount: minor(amount) };
        let date = invoices.first().and_then(|(invoice, _)| invoice.fields.issue_date);
        PaymentOrder {
            date: date.map_or_else(|| "2026-11-26".parse().expect("a date"), |date| date.0),
            amount: minor(amount),
            currency: code(currency),
            digits: 2,
            allocations: invoices.into_iter().map(allocation).collect(),
            account: self.bank(currency).await,
            contact: None,
            exchange_rate: None,
            base_currency: Some(code("USD")),
            company: Some(remote_id(&self.company)),
        }
    }
}

pub fn provider() -> &'static dyn Provider {
    registry::find("erpnext").expect("the connector")
}

pub fn prepare(order: &PaymentOrder) -> PreparedWrite {
    prepare_under(order, &new_key())
}

pub fn prepare_under(order: &PaymentOrder, key: &WriteKey) -> PreparedWrite {
    provider().prepare(order, key).expect("a payment that ERPNext takes")
}

/// A key that no payment has.
pub fn new_key() -> WriteKey {
    let random = || Uuid::from_u128(rand::rng().random());
    WriteKey::new(ConnectionId(random()), PaymentId(random()), None)
}

pub fn minor(amount: i64) -> MinorUnits {
    amount.try_into().expect("an amount")
}

pub fn code(currency: &str) -> Currency {
    currency.parse().expect("a currency")
}

pub fn remote_id(text: &str) -> RemoteId {
    text.parse().expect("a remote id")
}
