//! Deliveries a second to one webhook endpoint, and how long after its commit an event is there.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::bench::Bench;
use crate::dataset::{CLIENTS, Dataset};
use crate::load::{Expected, Load};
use crate::options::Window;
use crate::receiver::Receiver;
use crate::report::{Goal, Report, Row, Unit};
use crate::requests::{Requests, example};
use crate::sample::Sample;
use crate::tally::Tally;

/// The events that wait for an endpoint: more than it can get in a window.
const WAITING: u64 = 50_000;
/// Payments a second when the latency is measured.
const RATE: f64 = 100.0;
/// So long that only a server that has lost events reaches it.
const LIMIT: Duration = Duration::from_mins(5);

/// Measures rates, then latencies.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    for is_one_connection in [false, true] {
        rate(bench, is_one_connection, report).await?;
    }
    latency(bench, report).await
}

/// Measures deliveries a second while many events wait: of a thousand connections, or of the largest of them.
async fn rate(bench: &mut Bench, is_one_connection: bool, report: &mut Report) -> anyhow::Result<()> {
    let mut dataset = Dataset::create(bench, "deliveries").await?;
    // A tenth of the payments are those of the largest connection.
    dataset.fill(bench, if is_one_connection { 10 * WAITING } else { WAITING }).await?;
    let receiver = Receiver::start()?;
    let connection = is_one_connection.then_some(dataset.tenant.connection);
    dataset.subscribe(&receiver.url(), connection).await?;
    dataset.session.announce_all(dataset.tenant.project).await?;
    let (mut rates, mut cpu_microseconds) = (Vec::new(), Vec::new());
    for round in 1..=bench.options.rounds {
        eprintln!("deliveries, round {round}");
        dataset.session.rewind().await?;
        let server = dataset.serve().await?;
        receiver.wait_for(1, LIMIT).await?;
        let before = server.cpu_seconds()?;
        let begin = Instant::now();
        tokio::time::sleep(bench.options.window().whole()).await;
        let (cpu_seconds, came) = (server.cpu_seconds()? - before, receiver.count());
        server.stop().await?;
        let deliveries = receiver.take();
        let stored = dataset.session.delivered().await?;
        ensure!(stored == deliveries.len() as u64, "{} deliveries came, {stored} are stored", deliveries.len());
        let mut tally = Tally::new(bench.options.window());
        for delivery in deliveries {
            tally.add(delivery.at.saturating_duration_since(begin), Duration::ZERO)?;
        }
        rates.push(tally.rate());
        #[expect(clippy::cast_precision_loss, reason = "a count of seconds' work")]
        cpu_microseconds.push(cpu_seconds * 1e6 / came as f64);
    }
    report.add(Row {
        label: format!(
            "deliveries of {} to one endpoint",
            if is_one_connection { "one connection" } else { "1,000 connections" }
        ),
        figure: Sample::new(rates),
        unit: Unit::DeliveriesPerSecond,
        goal: Some(Goal::AtLeast(2_000.0)),
        absolute: format!("{:.0} µs of server CPU each", Sample::new(cpu_microseconds).median()),
    });
    dataset.drop(bench).await
}

/// Measures the time from a payment to its delivery at a low rate.
async fn latency(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let dataset = Dataset::create(bench, "deliveries").await?;
    let receiver = Receiver::start()?;
    dataset.subscribe(&receiver.url(), None).await?;
    let server = dataset.serve().await?;
    let requests = Requests::fresh(server.address, &dataset.tenant, &example());
    let mut load = Load::open(&[(server.address, requests)], CLIENTS).await?;
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for round in 1..=bench.options.rounds {
        eprintln!("deliveries, {RATE} payments/s, round {round}");
        let tally = latencies(&mut load, &receiver, RATE, bench.options.window(), 1).await?;
        p50.push(tally.quantile_ms(0.5));
        p99.push(tally.quantile_ms(0.99));
    }
    for (name, rounds, goal) in [("p50", p50, 20.0), ("p99", p99, 100.0)] {
        report.add(Row {
            label: format!("payment to its delivery, {RATE} payments/s, {name}"),
            figure: Sample::new(rounds),
            unit: Unit::Milliseconds,
            goal: Some(Goal::AtMost(goal)),
            absolute: String::new(),
        });
    }
    server.stop().await?;
    dataset.drop(bench).await
}

/// Makes payments at a rate and waits until each has reached `endpoints` endpoints. A delivery counts when its payment
/// was made.
pub async fn latencies(
    load: &mut Load,
    receiver: &Receiver,
    rate: f64,
    window: Window,
    endpoints: u64,
) -> anyhow::Result<Tally> {
    let begin = Instant::now();
    let paid = load.run_at(rate, window, Expected::CREATED).await?;
    receiver.wait_for(usize::try_from(paid.answers * endpoints)?, LIMIT).await?;
    let mut tally = Tally::new(window);
    for delivery in receiver.take() {
        let paid_at = delivery.at.checked_sub(delivery.latency).unwrap_or(begin);
        tally.add(paid_at.saturating_duration_since(begin), delivery.latency)?;
    }
    Ok(tally)
}
