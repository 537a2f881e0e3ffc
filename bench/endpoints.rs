//! Latency of deliveries to many webhook endpoints, while a tenth of them never answers.

use anyhow::ensure;

use crate::bench::Bench;
use crate::dataset::Dataset;
use crate::deliveries::latencies;
use crate::http::ClientConnection;
use crate::load::Load;
use crate::receiver::Receiver;
use crate::report::{Goal, Report, Row, Unit};
use crate::requests::{Requests, example, post};
use crate::sample::Sample;
use crate::tenant::Tenant;

const PROJECTS: u32 = 100;
/// The most that a project may have.
const ENDPOINTS_PER_PROJECT: u32 = 100;
/// Every tenth endpoint.
const DEAD_PER_PROJECT: u32 = 10;
/// Payments a second. Each is sent to all endpoints of its project.
const RATE: f64 = 5.0;

/// What is known of the dead endpoints.
#[derive(Debug, Clone, Copy)]
enum Dead {
    None,
    /// They have failed for a while.
    Known,
    /// They stop to answer now.
    New,
}

/// Measures without dead endpoints and with them, in turns.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut dataset = Dataset::create(bench, "endpoints").await?;
    let receiver = Receiver::start()?;
    let tenants = open_endpoints(&dataset, &receiver).await?;
    let mut sides = [Dead::None, Dead::Known, Dead::New].map(|dead| (dead, Vec::new(), Vec::new()));
    for round in 1..=bench.options.rounds {
        for (dead, p50, p99) in &mut sides {
            eprintln!("endpoints, {dead:?} dead, round {round}");
            let (dead_per_project, is_failing) = match dead {
                Dead::None => (0, false),
                Dead::Known => (DEAD_PER_PROJECT, true),
                Dead::New => (DEAD_PER_PROJECT, false),
            };
            let urls = [receiver.url(), receiver.silent_url()];
            dataset.session.place_endpoints(urls, dead_per_project, is_failing).await?;
            let server = dataset.serve().await?;
            let tenants =
                tenants.iter().map(|tenant| (server.address, Requests::fresh(server.address, tenant, &example())));
            let mut load = Load::open(&tenants.collect::<Vec<_>>(), PROJECTS).await?;
            let mut window = bench.options.window();
            // Longer than a call may take.
            window.measured *= 5;
            let answering = u64::from(ENDPOINTS_PER_PROJECT - dead_per_project);
            let tally = latencies(&mut load, &receiver, RATE, window, answering).await?;
            p50.push(tally.quantile_ms(0.5));
            p99.push(tally.quantile_ms(0.99));
            server.stop().await?;
        }
    }
    let [(_, p50, p99), others @ ..] = sides;
    for (dead, dead_p50, dead_p99) in others {
        let label = match dead {
            Dead::New => "have just died",
            _ => "are dead",
        };
        for (name, ours, theirs) in [("p50", dead_p50, &p50), ("p99", dead_p99, &p99)] {
            let medians = [&ours, theirs].map(|rounds| Sample::new(rounds.clone()).median());
            report.add(Row {
                label: format!("latency {name} of the others, 1,000 of 10,000 endpoints {label}, to none"),
                figure: Sample::ratios(&ours, theirs),
                unit: Unit::Ratio,
                goal: (name == "p99").then_some(Goal::AtMost(1.5)),
                absolute: format!("{:.1} to {:.1} ms", medians[0], medians[1]),
            });
        }
    }
    dataset.drop(bench).await
}

/// Makes the projects and their endpoints, as a program does it.
async fn open_endpoints(dataset: &Dataset, receiver: &Receiver) -> anyhow::Result<Vec<Tenant>> {
    eprintln!("endpoints, making {} of them", PROJECTS * ENDPOINTS_PER_PROJECT);
    let server = dataset.serve().await?;
    let mut tenants = vec![dataset.tenant.clone()];
    while tenants.len() < PROJECTS as usize {
        tenants.push(dataset.add_tenant().await?);
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
