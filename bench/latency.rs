//! Latency of the server and of pgbench, each at half of its own highest rate.

use crate::bench::Bench;
use crate::load::{Expected, Load};
use crate::pgbench::Script;
use crate::report::{Report, Row, Unit};
use crate::requests::{Requests, example};
use crate::sample::Sample;

const CLIENTS: u32 = 64;

/// The latencies of one side in milliseconds, by round.
#[derive(Debug, Default)]
pub struct Latencies {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Latencies {
    /// Adds a round.
    pub fn push(&mut self, tally: &crate::tally::Tally) {
        self.p50.push(tally.quantile_ms(0.5));
        self.p99.push(tally.quantile_ms(0.99));
    }

    /// Adds the rows that compare with pgbench's latencies; `goal` is for the median.
    pub fn report(
        &self,
        theirs: &Self,
        [label, rates]: [&str; 2],
        goal: Option<crate::report::Goal>,
        report: &mut Report,
    ) {
        for (name, ours, theirs, goal) in [("p50", &self.p50, &theirs.p50, goal), ("p99", &self.p99, &theirs.p99, None)]
        {
            let (our, their) = (Sample::new(ours.clone()).median(), Sample::new(theirs.clone()).median());
            report.add(Row {
                label: format!("latency {name}, {label}, to pgbench's"),
                figure: Sample::ratios(ours, theirs),
                unit: Unit::Ratio,
                goal,
                absolute: format!("{our:.2} to {their:.2} ms{rates}"),
            });
        }
    }
}

/// Finds the highest rates, then measures at half of them.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let server = bench.serve().await?;
    let requests = Requests::fresh(server.address, &bench.tenant, &example());
    let mut load = Load::open(&[(server.address, requests)], CLIENTS).await?;
    let window = bench.options.window();
    eprintln!("latency, the highest rates");
    let ours = load.run(window, Expected::CREATED).await?.rate() / 2.0;
    let theirs = bench.pgbench(Script::Statement, CLIENTS, None).await?.rate() / 2.0;
    let (mut server_side, mut pgbench_side) = (Latencies::default(), Latencies::default());
    for round in 1..=bench.options.rounds {
        eprintln!("latency, {ours:.0} and {theirs:.0} payments/s, round {round}");
        let since = bench.session.now().await?;
        let tally = load.run_at(ours, window, Expected::CREATED).await?;
        bench.session.check(since, tally.answers).await?;
        server_side.push(&tally);
        pgbench_side.push(&bench.pgbench(Script::Statement, CLIENTS, Some(theirs)).await?);
    }
    let rates = format!(" at {ours:.0} and {theirs:.0} payments/s");
    server_side.report(&pgbench_side, ["each at half of its own rate", &rates], None, report);
    server.stop().await
}
