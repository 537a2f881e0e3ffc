//! The accounting software, and what is in its books. It shares no code with the connector.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use unibooks::domain::references::Resource;
use unibooks::domain::{ConnectionId, RemoteId};

use crate::cutter::Cutter;
use crate::program::Program;
use crate::support::tryton::{Session, Tryton};

/// A Tryton behind a link that cuts requests off.
pub struct Books {
    tryton: Tryton,
    bookkeeper: Session,
    pub link: Cutter,
    /// The account that money is booked on.
    account: RemoteId,
}

/// What the books say of one payment.
#[derive(Debug)]
pub struct Entry {
    pub id: String,
}

impl Books {
    pub async fn start() -> anyhow::Result<Self> {
        let tryton = Tryton::start().await;
        let bookkeeper = tryton.bookkeeper().await;
        let link = Cutter::to(tryton.url().trim_start_matches("http://").to_owned()).await;
        let account = account_of_one_method(&bookkeeper).await.context("an account of one payment method")?.into();
        Ok(Self { tryton, bookkeeper, link, account })
    }

    /// Makes a connection to these books; returns its id and its token.
    pub fn connect(&self, program: &Program, project: &str) -> anyhow::Result<(ConnectionId, String)> {
        let secret = program.folder.join("secret");
        std::fs::write(&secret, self.tryton.password())?;
        let url = format!("{}/{}", self.link.url(), self.tryton.database());
        let arguments = [
            ["connection", "create", "--project", project, "--label", "Chaos", "--provider", "tryton"].as_slice(),
            &["--url", &url, "--login", self.tryton.login(), "--secret-file", path(&secret)?],
        ]
        .concat();
        let created = program.json(&arguments)?;
        let text = |member: &str| created[member].as_str().with_context(|| format!("no `{member}` in {created}"));
        Ok((text("id")?.parse()?, text("connection_token")?.to_owned()))
    }

    /// The id of the account in a connection.
    pub fn account_id(&self, connection: ConnectionId) -> String {
        Resource::Account.id(connection, &self.account).0.to_string()
    }

    /// Signs the bookkeeper in again: Tryton ends a session after minutes without a call.
    pub async fn sign_in(&mut self) {
        self.bookkeeper = self.tryton.bookkeeper().await;
    }

    /// Posts an invoice of so many cents.
    pub async fn invoice(&self, cents: i64) -> i64 {
        self.bookkeeper.invoice(&Decimal::new(cents, 2).to_string()).await
    }

    /// What is left to pay of an invoice, in cents.
    pub async fn cents_to_pay(&self, invoice: i64) -> anyhow::Result<i64> {
        let amount: Decimal = self.bookkeeper.amount_to_pay(invoice).await.parse()?;
        (amount * Decimal::ONE_HUNDRED).try_into().context("whole cents")
    }

    /// All entries that carry a key of ours, by key.
    pub async fn entries(&self) -> anyhow::Result<BTreeMap<String, Vec<Entry>>> {
        let ours = json!([["description", "like", "u____________________"]]);
        let mut entries = BTreeMap::<String, Vec<Entry>>::new();
        for entry in self.bookkeeper.search("account.move", ours, &["description"]).await {
            let key = entry["description"].as_str().context("a description")?.to_owned();
            entries.entry(key).or_default().push(Entry { id: entry["id"].to_string() });
        }
        Ok(entries)
    }

    /// The sum of all entries, debit less credit: zero in books that are whole.
    pub async fn balance(&self) -> anyhow::Result<Decimal> {
        let mut session = self.tryton.connect().await;
        let sum = "select (coalesce(sum(debit), 0) - coalesce(sum(credit), 0))::text from account_move_line";
        let sum: String = sqlx::query_scalar(sum).fetch_one(&mut session).await?;
        Ok(sum.parse()?)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.tryton.kill();
    }

    /// Starts it again. The bookkeeper's session is in the database and goes on.
    pub async fn restart(&mut self) {
        self.tryton.restart().await;
    }
}

/// The account on which exactly one payment method books, so that it says which method is meant.
async fn account_of_one_method(bookkeeper: &Session) -> Option<i64> {
    let fields = ["debit_account", "credit_account"];
    let methods = bookkeeper.search("account.invoice.payment.method", json!([]), &fields).await;
    let booked = |id: &Value| methods.iter().filter(|method| fields.iter().any(|field| &method[field] == id)).count();
    methods.iter().map(|method| &method["debit_account"]).find(|id| booked(id) == 1).and_then(Value::as_i64)
}

fn path(path: &Path) -> anyhow::Result<&str> {
    let text = path.to_str();
    ensure!(text.is_some(), "{} is no text", path.display());
    Ok(text.unwrap_or_default())
}
