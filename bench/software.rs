//! The cost of accounting software: payments a second of a connection whose payments are for software, compared with one
//! without. Clients ask to be answered at once (`Prefer: respond-async`). The connection is paused, so that the cost of
//! the calls is measured, and not that of the software.

use serde_json::json;
use uuid::Uuid;

use crate::bench::Bench;
use crate::dataset::Dataset;
use crate::load::{Expected, Load};
use crate::report::{self, Goal, Report, Row, Unit};
use crate::requests::{Requests, example};
use crate::sample::Sample;
use crate::server::Server;

/// Payments that are stored before.
const STORED: u64 = 1_000;

/// One side of the comparison, with its own database and server.
struct Side {
    dataset: Dataset,
    server: Server,
    headers: &'static str,
    body: String,
    rates: Vec<f64>,
}

/// Measures with each number of clients.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let bare = Dataset::create(bench, "bare").await?;
    let mut connected = Dataset::create(bench, "connected").await?;
    let [invoice, account] = [Uuid::now_v7(), Uuid::now_v7()];
    connected.session.add_paused_software(invoice, account).await?;
    let mut sides = [
        Side::open(bench, bare, "", example()).await?,
        Side::open(bench, connected, "prefer: respond-async\r\n", payment(invoice, account)).await?,
    ];
    for clients in bench.options.clients.clone() {
        for round in 1..=bench.options.rounds {
            eprintln!("software, {}, round {round}", report::clients(clients));
            for side in &mut sides {
                side.run(bench, clients).await?;
            }
            // No side is always the first one.
            sides.reverse();
        }
        sides.sort_by_key(|side| side.headers.len());
        let [theirs, ours] = sides.each_mut().map(|side| std::mem::take(&mut side.rates));
        let medians = [&ours, &theirs].map(|rates| Sample::new(rates.clone()).median());
        report.add(Row {
            label: format!("create, {}, with software that is paused to none", report::clients(clients)),
            figure: Sample::ratios(&ours, &theirs),
            unit: Unit::Ratio,
            goal: Some(Goal::AtLeast(0.8)),
            absolute: format!("{:.0} to {:.0} payments/s", medians[0], medians[1]),
        });
    }
    for side in sides {
        side.server.stop().await?;
        side.dataset.drop(bench).await?;
    }
    Ok(())
}

/// A payment of an invoice, by a line item.
fn payment(invoice: Uuid, account: Uuid) -> String {
    let item = json!({
        "name": "Consulting, November", "applied_amount": 40_000, "related_object_id": invoice,
        "related_object_type": "invoice",
    });
    let payment = json!({
        "invoice_id": invoice, "account_id": account, "total_amount": 40_000, "currency": "USD",
        "transaction_date": "2026-11-26T10:00:00Z", "line_items": [item],
    });
    payment.to_string()
}

impl Side {
    async fn open(bench: &Bench, mut dataset: Dataset, headers: &'static str, body: String) -> anyhow::Result<Self> {
        dataset.fill(bench, STORED).await?;
        let server = dataset.serve().await?;
        Ok(Self { dataset, server, headers, body, rates: Vec::new() })
    }

    async fn run(&mut self, bench: &Bench, clients: u32) -> anyhow::Result<()> {
        let requests = Requests::fresh_with(self.server.address, &self.dataset.tenant, self.headers, &self.body);
        let mut load = Load::open(&[(self.server.address, requests)], clients).await?;
        self.dataset.session.checkpoint().await?;
        let since = self.dataset.session.now().await?;
        let tally = load.run(bench.options.window(), Expected::CREATED).await?;
        self.rates.push(tally.rate());
        self.dataset.session.check(since, tally.answers).await
    }
}
