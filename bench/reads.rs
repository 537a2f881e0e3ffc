//! What a client reads: a payment, pages, and each filter with a value that few payments have.

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::books::Books;
use crate::http::Connection;
use crate::requests::get;
use crate::server::Server;

/// The page whose time is compared with the first page's.
const FAR_PAGE: usize = 1_000;
/// Payments a page unless a filter finds fewer.
const PAGE: usize = 50;
/// Filters whose values are those of payments from all over the list.
const OF_SAMPLES: [&str; 3] = ["invoice_id", "contact_id", "idempotency_key"];
/// Filters with few values a connection: the rarest is looked for.
const OF_RAREST: [&str; 3] = ["account_id", "currency", "type"];
/// Filters by time: a short range in the middle.
const OF_TIMES: [&str; 3] = ["created", "modified", "transaction_date"];

/// Paths of one kind, to be read in turn.
pub struct Read {
    pub what: String,
    pub paths: Vec<String>,
    /// How many payments each answer holds at least, perhaps none.
    found: usize,
}

/// Every kind but the far page, which small books do not have.
pub async fn kinds(books: &mut Books, server: &Server) -> anyhow::Result<Vec<Read>> {
    let ids = books.store.samples("id").await?;
    let mut reads = vec![Read::new("get by id", ids.iter().map(|id| format!("/{id}")).collect()), Read::first_page()];
    for filter in OF_SAMPLES {
        reads.push(Read::filter(filter, &books.store.samples(filter).await?));
    }
    for filter in OF_RAREST {
        reads.push(Read::filter(filter, &[books.store.rarest(filter).await?]));
    }
    // Null in every payment that the server made so far.
    let remote_ids = books.store.samples("remote_id").await?;
    let nothing = vec!["none".to_owned()];
    reads.push(Read::filter("remote_id", if remote_ids.is_empty() { &nothing } else { &remote_ids }));
    for name in OF_TIMES {
        let column = if name == "transaction_date" { name.to_owned() } else { format!("{name}_at") };
        let (after, before) = books.store.range(&column).await?;
        let path = format!("?{name}_after={after}&{name}_before={before}");
        reads.push(Read::new(&format!("filter {name}_after and {name}_before"), vec![path]));
    }
    let mut connection = Connection::open(server.address).await?;
    for read in &mut reads {
        read.look(&mut connection, books, server).await?;
    }
    Ok(reads)
}

/// The far page: its name and its path. The last whole one when there are fewer.
pub async fn far_page(books: &Books, server: &Server) -> anyhow::Result<Read> {
    let mut connection = Connection::open(server.address).await?;
    let (mut path, mut number) = (String::new(), 1);
    while number < FAR_PAGE {
        let page = fetch(&mut connection, books, server, &path).await?;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("?cursor={cursor}");
        number += 1;
    }
    Ok(Read::new(&format!("page {number}"), vec![path]))
}

impl Read {
    fn new(what: &str, paths: Vec<String>) -> Self {
        Self { what: what.to_owned(), paths, found: 1 }
    }

    /// Where every list begins.
    pub fn first_page() -> Self {
        Self::new("first page", vec![String::new()])
    }

    fn filter(name: &str, values: &[String]) -> Self {
        let paths = values.iter().map(|value| format!("?{name}={}", encoded(value))).collect();
        Self::new(&format!("filter {name}"), paths)
    }

    /// Sees how much is found. Of rare payments one call may find none: it looks at 10,000 and leads on.
    async fn look(&mut self, connection: &mut Connection, books: &Books, server: &Server) -> anyhow::Result<()> {
        ensure!(!self.paths.is_empty(), "{}: no payment has a value", self.what);
        let mut found = PAGE;
        for path in self.paths.iter().filter(|path| !path.starts_with('/')) {
            let page = fetch(connection, books, server, path).await?;
            found = found.min(page["data"].as_array().context("a page without `data`")?.len());
        }
        self.found = found;
        Ok(())
    }

    /// Makes two books answer with the same number of payments, so that only the looking differs.
    pub fn level(ours: &mut Self, theirs: &mut Self) {
        let limit = ours.found.min(theirs.found).max(1);
        for path in ours.paths.iter_mut().chain(&mut theirs.paths).filter(|path| path.contains('?')) {
            *path = format!("{path}&limit={limit}");
        }
    }
}

async fn fetch(connection: &mut Connection, books: &Books, server: &Server, path: &str) -> anyhow::Result<Value> {
    let answer = connection.exchange(&get(server.address, &books.tenant, path)).await?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, String::from_utf8_lossy(answer.body));
    Ok(serde_json::from_slice(answer.body)?)
}

/// A value as a part of a query.
fn encoded(value: &str) -> String {
    percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string()
}
