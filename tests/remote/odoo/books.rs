//! Reads and changes the books by Odoo's own JSON-RPC. It shares no code with the connector.

use std::time::Duration;

use reqwest::{Client, Url};
use secrecy::SecretString;
use serde_json::{Value, json};
use unibooks::connectors::{
    Allocation, Connector, Fields, PaymentOrder, Referenced, RemoteKey, RemoteObject, Target, registry,
};
use unibooks::domain::references::{Account, Contact, Invoice, Resource};
use unibooks::domain::{ConnectionId, MinorUnits, PaymentId, RemoteId, WriteKey};
use unibooks::outgoing::{self, Networks};
use uuid::Uuid;

/// The date of everything that the tests book.
pub const DATE: &str = "2026-11-26";

/// An Odoo with books.
pub struct Odoo {
    client: Client,
    address: Url,
    database: String,
    admin: String,
    user: i64,
    /// Whether its fields are those of version 19.
    pub is_19: bool,
}

/// The servers to test with.
pub async fn servers() -> Vec<Odoo> {
    let addresses = std::env::var("UNIBOOKS_TEST_ODOO").unwrap_or_default();
    if addresses.is_empty() {
        eprintln!("skipped: UNIBOOKS_TEST_ODOO names no server");
    }
    let mut servers = Vec::new();
    for address in addresses.split_whitespace() {
        servers.push(Odoo::sign_in(address).await);
    }
    servers
}

impl Odoo {
    async fn sign_in(address: &str) -> Self {
        let address: Url = address.parse().expect("an address");
        let database = address.path().trim_matches('/').to_owned();
        let admin = address.query_pairs().find(|(name, _)| name == "admin").expect("admin").1.into_owned();
        let mut odoo = Self { client: Client::new(), address, database, admin, user: 0, is_19: false };
        let version = odoo.rpc("common", "version", json!([])).await.expect("a version");
        odoo.is_19 = version["server_version_info"][0] == 19;
        let credentials = json!([odoo.database, odoo.address.username(), odoo.secret(), {}]);
        odoo.user = odoo.rpc("common", "authenticate", credentials).await.expect("an answer").as_i64().expect("a user");
        odoo
    }

    fn secret(&self) -> &str {
        self.address.password().expect("a secret")
    }

    async fn rpc(&self, service: &str, method: &str, args: Value) -> Result<Value, Value> {
        let body = json!({"jsonrpc": "2.0", "method": "call", "id": 1,
            "params": {"service": service, "method": method, "args": args}});
        let mut url = self.address.clone();
        url.set_path("/jsonrpc");
        url.set_query(None);
        url.set_username("").and_then(|()| url.set_password(None)).expect("no user");
        let answer = self.client.post(url).json(&body).send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        answer.get("error").map_or_else(|| Ok(answer["result"].clone()), |error| Err(error["data"]["message"].clone()))
    }

    async fn execute(&self, user: i64, secret: &str, model: &str, method: &str, args: Value, named: Value) -> Value {
        let result = self.try_execute(user, secret, model, method, args, named).await;
        result.unwrap_or_else(|error| panic!("{model}.{method}: {error}"))
    }

    async fn try_execute(
        &self,
        user: i64,
        secret: &str,
        model: &str,
        method: &str,
        args: Value,
        mut named: Value,
    ) -> Result<Value, Value> {
        if named.get("context").is_none() {
            named["context"] = json!({"allowed_company_ids": [1], "lang": "en_US"});
        }
        let args = json!([self.database, user, secret, model, method, args, named]);
        self.rpc("object", "execute_kw", args).await
    }

    /// Calls a method of a record as the connector's user.
    pub async fn call(&self, model: &str, method: &str, id: i64) -> Value {
        self.call_with(model, method, json!([[id]])).await
    }

    /// Calls a method as the connector's user.
    pub async fn call_with(&self, model: &str, method: &str, args: Value) -> Value {
        self.execute(self.user, self.secret(), model, method, args, json!({})).await
    }

    /// Calls a method as the administrator.
    pub async fn administer(&self, model: &str, method: &str, args: Value, named: Value) -> Value {
        self.execute(2, &self.admin, model, method, args, named).await
    }

    /// A member of each record that is found, in the order of their ids.
    pub async fn search(&self, model: &str, domain: Value, field: &str) -> Vec<Value> {
        let named = json!({"domain": domain, "fields": [field], "order": "id"});
        let found = self.execute(self.user, self.secret(), model, "search_read", json!([]), named).await;
        found.as_array().expect("records").iter().map(|record| record[field].clone()).collect()
    }

    /// The connector with a secret.
    pub fn connector_with(&self, secret: &str) -> Box<dyn Connector> {
        let networks = Networks::loopback();
        let client = outgoing::Client::new(&outgoing::Options {
            networks,
            ca_file: None,
            connect_timeout: Duration::from_secs(10),
            networks_setting: "UNIBOOKS_CONNECTOR_NETWORKS",
            answer_limit: outgoing::BodyLimit::Whole(16 << 20),
            max_idle_per_host: 4,
        });
        let mut url = self.address.clone();
        url.set_path("");
        url.set_query(None);
        url.set_username("").and_then(|()| url.set_password(None)).expect("no user");
        let target = Target {
            connection_id: ConnectionId(Uuid::from_u128(7)),
            url: url.to_string(),
            database: Some(self.database.clone()),
            company: "1".parse().ok(),
            login: Some(self.address.username().to_owned()),
            secret: SecretString::from(secret),
        };
        registry::find("odoo").expect("Odoo").connect(target, client.expect("a client"))
    }

    /// The connector.
    pub fn connector(&self) -> Box<dyn Connector> {
        self.connector_with(self.secret())
    }

    /// The customer or the supplier.
    pub async fn contact(&self, is_customer: bool) -> i64 {
        let rank = if is_customer { "customer_rank" } else { "supplier_rank" };
        self.search("res.partner", json!([[rank, ">", 0]]), "id").await[0].as_i64().expect("a contact")
    }

    /// A draft of an invoice in USD.
    pub async fn draft(&self, kind: &str, amount: &str) -> i64 {
        let partner = self.contact(kind.starts_with("out")).await;
        let amount: Value = serde_json::from_str(amount).expect("a number");
        let journal = json!([["type", "=", if kind.starts_with("out") { "sale" } else { "purchase" }]]);
        let account = self.search("account.journal", journal, "default_account_id").await[0][0].clone();
        let line = json!({"name": "Services", "quantity": 1, "price_unit": amount, "account_id": account,
            "tax_ids": [[6, 0, []]]});
        let invoice = json!({"move_type": kind, "partner_id": partner, "invoice_date": DATE,
            "invoice_line_ids": [[0, 0, line]]});
        // When another test books at the same time, Odoo 14 rolls back and tries again with what its first try has left of
        // the arguments: it answers a senseless error.
        for _ in 0..5 {
            let args = json!([invoice]);
            let made = self.try_execute(self.user, self.secret(), "account.move", "create", args, json!({})).await;
            match made {
                Ok(id) => return id.as_i64().expect("an id"),
                Err(error) => eprintln!("{error}"),
            }
        }
        panic!("no invoice");
    }

    /// A posted invoice in USD.
    pub async fn invoice(&self, kind: &str, amount: &str) -> i64 {
        let invoice = self.draft(kind, amount).await;
        self.call("account.move", "action_post", invoice).await;
        invoice
    }

    /// What is still to be paid of an invoice.
    pub async fn residual(&self, invoice: i64) -> String {
        self.search("account.move", json!([["id", "=", invoice]]), "amount_residual").await[0].to_string()
    }

    /// Undoes the newest match of an invoice.
    pub async fn unmatch(&self, invoice: i64) {
        let of_invoice =
            json!(["|", ["debit_move_id.move_id", "=", invoice], ["credit_move_id.move_id", "=", invoice]]);
        let newest = self.search("account.partial.reconcile", of_invoice, "id").await.pop().expect("a match");
        self.call_with("account.move", "js_remove_outstanding_partial", json!([[invoice], newest])).await;
    }

    /// The payments of a key, cancelled ones too.
    pub async fn payments(&self, key: &WriteKey) -> Vec<i64> {
        let memo = if self.is_19 { "memo" } else { "ref" };
        let found = self.search("account.payment", json!([[memo, "like", key.as_str()]]), "id").await;
        found.iter().filter_map(Value::as_i64).collect()
    }
}

/// A key that no test had before.
pub fn new_key() -> WriteKey {
    WriteKey::new(ConnectionId(Uuid::from_u128(7)), PaymentId(Uuid::from_u128(rand::random())), None)
}

/// Reads objects of a resource by their ids.
pub async fn read(books: &dyn Connector, resource: Resource, ids: &[i64]) -> Vec<RemoteObject> {
    let key = |id: &i64| RemoteKey {
        remote_id: id.to_string().parse().expect("an id"),
        position: String::new(),
        stamp: String::new(),
    };
    books.objects(resource, &ids.iter().map(key).collect::<Vec<_>>()).await.expect("objects")
}

/// All keys of a resource.
pub async fn keys(books: &dyn Connector, resource: Resource) -> Vec<RemoteKey> {
    let mut keys: Vec<RemoteKey> = Vec::new();
    loop {
        let page = books.keys(resource, keys.last()).await.expect("a page");
        keys.extend(page.keys);
        if page.is_last {
            return keys;
        }
    }
}

fn referenced<T>(object: RemoteObject, pointer: &str, fields: impl FnOnce(Fields) -> Option<T>) -> Referenced<T> {
    Referenced {
        pointer: pointer.to_owned(),
        remote_id: object.remote_id,
        fields: fields(object.fields).expect("the members of this resource"),
        remote_data: object.remote_data,
    }
}

async fn bank(books: &dyn Connector) -> Referenced<Account> {
    let keys = keys(books, Resource::Account).await;
    let accounts = books.objects(Resource::Account, &keys).await.expect("accounts");
    let is_bank =
        |object: &RemoteObject| matches!(&object.fields, Fields::Account(account) if account.is_payment_account);
    let bank = accounts.into_iter().find(is_bank).expect("a bank account");
    referenced(bank, "/account_id", |fields| if let Fields::Account(account) = fields { Some(account) } else { None })
}

/// An invoice as the create call refers to it.
pub async fn invoice(books: &dyn Connector, id: i64) -> Referenced<Invoice> {
    let invoice = read(books, Resource::Invoice, &[id]).await.pop().expect("an invoice");
    referenced(
        invoice,
        "/invoice_id",
        |fields| if let Fields::Invoice(invoice) = fields { Some(*invoice) } else { None },
    )
}

/// A contact as the create call refers to it.
pub async fn contact(books: &dyn Connector, id: i64) -> Referenced<Contact> {
    let contact = read(books, Resource::Contact, &[id]).await.pop().expect("a contact");
    referenced(
        contact,
        "/contact_id",
        |fields| if let Fields::Contact(contact) = fields { Some(contact) } else { None },
    )
}

/// A payment in USD: for an invoice, or on account of a contact.
pub async fn order(books: &dyn Connector, paid: Option<i64>, on_account: Option<i64>, cents: i64) -> PaymentOrder {
    let amount = MinorUnits::try_from(cents).expect("an amount");
    let mut allocations = Vec::new();
    if let Some(paid) = paid {
        allocations.push(Allocation { invoice: invoice(books, paid).await, amount });
    }
    let contact = match on_account {
        Some(id) => Some(contact(books, id).await),
        None => None,
    };
    PaymentOrder {
        date: DATE.parse().expect("a date"),
        amount,
        currency: "USD".parse().expect("a currency"),
        digits: 2,
        allocations,
        account: bank(books).await,
        contact,
        exchange_rate: None,
        base_currency: "USD".parse().ok(),
        company: "1".parse::<RemoteId>().ok(),
    }
}
