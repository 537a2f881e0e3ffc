//! The reads that are measured: a payment, pages, and each filter with a value that few payments have.

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::dataset::Dataset;
use crate::http::ClientConnection;
use crate::requests::get;
use crate::server::Server;

/// The number of the page that is compared with the first page.
const FAR_PAGE: usize = 1_000;
/// The default number of payments on a page.
const PAGE_SIZE: usize = 50;
/// Filters whose values are sampled evenly from the whole list.
const SAMPLED_FILTERS: [&str; 3] = ["invoice_id", "contact_id", "idempotency_key"];
/// Filters with few different values in a connection. The rarest value is used.
const RARE_VALUE_FILTERS: [&str; 3] = ["account_id", "currency", "type"];
/// Filters by time. A short range in the middle is used.
const TIME_FILTERS: [&str; 3] = ["created", "modified", "transaction_date"];

/// Reads of one kind; the paths are requested in turn.
pub struct Read {
    pub label: String,
    pub paths: Vec<String>,
    /// The smallest number of payments in an answer; it may be 0.
    found: usize,
}

/// All kinds except the far page, which a small database does not have.
pub async fn kinds(dataset: &mut Dataset, server: &Server) -> anyhow::Result<Vec<Read>> {
    let ids = dataset.session.samples("id").await?;
    let mut reads = vec![Read::new("get by id", ids.iter().map(|id| format!("/{id}")).collect()), Read::first_page()];
    for filter in SAMPLED_FILTERS {
        reads.push(Read::filter(filter, &dataset.session.samples(filter).await?));
    }
    for filter in RARE_VALUE_FILTERS {
        reads.push(Read::filter(filter, &[dataset.session.rarest(filter).await?]));
    }
    // The server has stored only null so far.
    let remote_ids = dataset.session.samples("remote_id").await?;
    let nothing = vec!["none".to_owned()];
    reads.push(Read::filter("remote_id", if remote_ids.is_empty() { &nothing } else { &remote_ids }));
    for name in TIME_FILTERS {
        let column = if name == "transaction_date" { name.to_owned() } else { format!("{name}_at") };
        let (after, before) = dataset.session.range(&column).await?;
        let path = format!("?{name}_after={after}&{name}_before={before}");
        reads.push(Read::new(&format!("filter {name}_after and {name}_before"), vec![path]));
    }
    let mut client = ClientConnection::open(server.address).await?;
    for read in &mut reads {
        read.count_found(&mut client, dataset, server).await?;
    }
    Ok(reads)
}

/// The far page, or the last one if there are fewer pages.
pub async fn far_page(dataset: &Dataset, server: &Server) -> anyhow::Result<Read> {
    let mut client = ClientConnection::open(server.address).await?;
    let (mut path, mut number) = (String::new(), 1);
    while number < FAR_PAGE {
        let page = fetch(&mut client, dataset, server, &path).await?;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("?cursor={cursor}");
        number += 1;
    }
    Ok(Read::new(&format!("page {number}"), vec![path]))
}

impl Read {
    fn new(label: &str, paths: Vec<String>) -> Self {
        Self { label: label.to_owned(), paths, found: 1 }
    }

    /// The first page, without a filter.
    pub fn first_page() -> Self {
        Self::new("first page", vec![String::new()])
    }

    fn filter(name: &str, values: &[String]) -> Self {
        let paths = values.iter().map(|value| format!("?{name}={}", percent_encode(value))).collect();
        Self::new(&format!("filter {name}"), paths)
    }

    /// Counts the payments in each answer. A call for rare payments may find none: it scans 10,000 payments and returns
    /// a cursor.
    async fn count_found(
        &mut self,
        client: &mut ClientConnection,
        dataset: &Dataset,
        server: &Server,
    ) -> anyhow::Result<()> {
        ensure!(!self.paths.is_empty(), "{}: no payment has a value", self.label);
        let mut found = PAGE_SIZE;
        for path in self.paths.iter().filter(|path| !path.starts_with('/')) {
            let page = fetch(client, dataset, server, path).await?;
            found = found.min(page["data"].as_array().context("a page without `data`")?.len());
        }
        self.found = found;
        Ok(())
    }

    /// Makes two databases answer with the same number of payments, so that only the time of the search differs.
    pub fn equalize(ours: &mut Self, theirs: &mut Self) {
        let limit = ours.found.min(theirs.found).max(1);
        for path in ours.paths.iter_mut().chain(&mut theirs.paths).filter(|path| path.contains('?')) {
            *path = format!("{path}&limit={limit}");
        }
    }
}

async fn fetch(client: &mut ClientConnection, dataset: &Dataset, server: &Server, path: &str) -> anyhow::Result<Value> {
    let answer = client.exchange(&get(server.address, &dataset.tenant, path)).await?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, String::from_utf8_lossy(answer.body));
    Ok(serde_json::from_slice(answer.body)?)
}

/// Percent-encodes a value for a query.
fn percent_encode(value: &str) -> String {
    percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string()
}
