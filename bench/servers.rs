//! Two server processes on one database, compared with one.

use std::net::SocketAddr;

use crate::bench::Bench;
use crate::load::{Expected, Load};
use crate::report::{Goal, Report, Row, Unit};
use crate::requests::{Requests, example};
use crate::sample::Sample;

const CLIENTS: u32 = 64;

/// Measures one process and two, with the same number of clients in all.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let servers = [bench.serve().await?, bench.serve().await?];
    let targets = servers.each_ref().map(|server| target(bench, server.address));
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for round in 1..=bench.options.rounds {
        eprintln!("servers, round {round}");
        one.push(rate(bench, &targets[..1]).await?);
        two.push(rate(bench, &targets).await?);
    }
    for server in servers {
        server.stop().await?;
    }
    let absolute = [&two, &one].map(|rates| Sample::new(rates.clone()).median());
    report.add(Row {
        label: format!("create, two server processes to one, {CLIENTS} clients in all"),
        figure: Sample::ratios(&two, &one),
        unit: Unit::Ratio,
        goal: Some(Goal::AtLeast(0.95)),
        absolute: format!("{:.0} to {:.0} payments/s", absolute[0], absolute[1]),
    });
    Ok(())
}

/// The address of a server and the requests for it.
fn target(bench: &Bench, address: SocketAddr) -> (SocketAddr, Requests) {
    (address, Requests::fresh(address, &bench.tenant, &example()))
}

/// Measures new payments a second.
async fn rate(bench: &mut Bench, targets: &[(SocketAddr, Requests)]) -> anyhow::Result<f64> {
    let mut load = Load::open(targets, CLIENTS).await?;
    let since = bench.session.now().await?;
    let tally = load.run(bench.options.window(), Expected::CREATED).await?;
    bench.session.check(since, tally.answers).await?;
    Ok(tally.rate())
}
