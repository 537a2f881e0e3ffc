//! Latency of deliveries to many webhook endpoints, while a tenth of them never answers.

use std::net::SocketAddr;

use anyhow::ensure;
use uuid::Builder;

use crate::bench::Bench;
use crate::dataset::Dataset;
use crate::deliveries::latencies;
use crate::http::ClientConnection;
use crate::load::Load;
use crate::receiver::Receiver;
use crate::report::{Goal, Report, Row, Unit};
use crate::requests::{Requests, create, example, post};
use crate::sample::Sample;
use crate::tenant::Tenant;

const PROJECTS: u32 = 100;
/// The most that a project may have.
const ENDPOINTS_PER_PROJECT: u32 = 100;
/// Every tenth endpoint.
const DEAD_PER_PROJECT: u32 = 10;
/// Payments a second. Each is sent to all endpoints of its project.
const RATE: f64 = 5.0;
/// So few that the server closes none of their sockets as unused.
const CLIENTS: u32 = 4;
/// Payments that are prepared for a round: more than it makes.
const PREPARED: usize = 10_000;
/// How much longer than others a round is: a dead endpoint takes up to 15 seconds.
const LONGER: u32 = 5;

/// The endpoints of a side: how many of each project are dead, and the latencies of the others in milliseconds, by round.
struct Side {
    label: &'static str,
    dead_per_project: u32,
    /// Whether the dead ones have failed for a while, or stop to answer now.
    is_known: bool,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

/// Measures without dead endpoints and with them, in turns.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut dataset = Dataset::create(bench, "endpoints").await?;
    let receiver = Receiver::start()?;
    let tenants = open_endpoints(&dataset, &receiver).await?;
    let side = |label, dead_per_project, is_known| Side {
        label,
        dead_per_project,
        is_known,
        p50: Vec::new(),
        p99: Vec::new(),
    };
    let mut sides = [
        side("none is dead", 0, false),
        side("1,000 are dead", DEAD_PER_PROJECT, true),
        side("1,000 have just died", DEAD_PER_PROJECT, false),
    ];
    for round in 1..=bench.options.rounds {
        for side in &mut sides {
            eprintln!("endpoints, {}, round {round}", side.label);
            side.run(bench, &mut dataset, &tenants, &receiver).await?;
        }
    }
    let [healthy, others @ ..] = &sides;
    for side in others {
        side.report(healthy, report);
    }
    dataset.drop(bench).await
}

impl Side {
    async fn run(
        &mut self,
        bench: &Bench,
        dataset: &mut Dataset,
        tenants: &[Tenant],
        receiver: &Receiver,
    ) -> anyhow::Result<()> {
        let urls = [receiver.url(), receiver.silent_url()];
        dataset.session.place_endpoints(urls, self.dead_per_project, self.is_known).await?;
        let server = dataset.serve().await?;
        let requests = Requests::cycle(requests(server.address, tenants));
        let mut load = Load::open(&[(server.address, requests)], CLIENTS).await?;
        let mut window = bench.options.window();
        window.measured *= LONGER;
        let answering = u64::from(ENDPOINTS_PER_PROJECT - self.dead_per_project);
        let tally = latencies(&mut load, receiver, RATE, window, answering).await?;
        self.p50.push(tally.quantile_ms(0.5));
        self.p99.push(tally.quantile_ms(0.99));
        server.stop().await
    }

    fn report(&self, healthy: &Self, report: &mut Report) {
        let p99 = Some(Goal::AtMost(1.5));
        for (name, ours, theirs, goal) in
            [("p50", &self.p50, &healthy.p50, None), ("p99", &self.p99, &healthy.p99, p99)]
        {
            let medians = [ours, theirs].map(|rounds| Sample::new(rounds.clone()).median());
            report.add(Row {
                label: format!("delivery to the others {name}, of 10,000 endpoints {}, to none", self.label),
                figure: Sample::ratios(ours, theirs),
                unit: Unit::Ratio,
                goal,
                absolute: format!("{:.1} to {:.1} ms", medians[0], medians[1]),
            });
        }
    }
}

/// Payments of all projects in turn.
fn requests(address: SocketAddr, tenants: &[Tenant]) -> Vec<Vec<u8>> {
    let body = example();
    let key = || Builder::from_random_bytes(rand::random()).into_uuid().to_string();
    tenants.iter().cycle().take(PREPARED).map(|tenant| create(address, tenant, &key(), &body)).collect()
}

/// Makes the projects and their endpoints, as a program does it.
async fn open_endpoints(dataset: &Dataset, receiver: &Receiver) -> anyhow::Result<Vec<Tenant>> {
    eprintln!("endpoints, making {} of them", PROJECTS * ENDPOINTS_PER_PROJECT);
    let server = dataset.serve().await?;
    let mut tenants = Vec::new();
    for _ in 0..PROJECTS {
        tenants.push(dataset.add_tenant(&["payments:write", "webhooks:write"]).await?);
    }
    let body = format!(r#"{{"url": "{}", "scope": ["*"]}}"#, receiver.url());
    let mut client = ClientConnection::open(server.address).await?;
    for tenant in &tenants {
        for _ in 0..ENDPOINTS_PER_PROJECT {
            let answer = client.exchange(&post(server.address, tenant, "/webhooks", &body)).await?;
            ensure!(answer.status == 201, "{}: {}", answer.status, String::from_utf8_lossy(answer.body));
        }
    }
    server.stop().await?;
    Ok(tenants)
}
