//! Payments a second of the server, compared with pgbench, and their cost in CPU time and memory.

use crate::bench::Bench;
use crate::latency::Latencies;
use crate::load::{Expected, Load};
use crate::pgbench::Script;
use crate::report::{self, Goal, Report, Row, Unit};
use crate::requests::{Requests, example};
use crate::sample::Sample;
use crate::server::Server;
use crate::tally::Tally;

const CLIENT_COUNTS: [u32; 4] = [1, 8, 64, 256];

/// One side of the comparison: its payments a second and its latencies, by round.
struct Side {
    /// The script of pgbench; `None` is the server.
    script: Option<Script>,
    rates: Vec<f64>,
    latencies: Latencies,
}

/// The cost of the server process, by round.
#[derive(Default)]
struct Costs {
    /// CPU time a payment, in microseconds.
    cpu_microseconds: Vec<f64>,
    resident_mib: Vec<f64>,
}

/// Measures with each number of clients.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    for clients in CLIENT_COUNTS {
        measure_clients(bench, clients, report).await?;
    }
    Ok(())
}

async fn measure_clients(bench: &mut Bench, clients: u32, report: &mut Report) -> anyhow::Result<()> {
    let mut scripts = vec![None, Some(Script::Statement), Some(Script::Batch)];
    if clients == 64 {
        scripts.push(Some(Script::Transaction));
    }
    let new = |script| Side { script, rates: Vec::new(), latencies: Latencies::default() };
    let mut sides: Vec<Side> = scripts.into_iter().map(new).collect();
    let mut costs = Costs::default();
    // A new server for each number of clients, so that its memory is due to these clients only.
    let server = bench.serve().await?;
    for round in 1..=bench.options.rounds {
        eprintln!("create, {}, round {round}", report::clients(clients));
        for side in &mut sides {
            side.run(bench, &server, clients, &mut costs).await?;
        }
        // The order alternates, because the tables grow during the measurement.
        sides.reverse();
    }
    server.stop().await?;
    sides.sort_by_key(|side| side.script);
    if let [ours, theirs @ ..] = &sides[..] {
        ours.report(theirs, clients, report);
    }
    costs.report(clients, report);
    Ok(())
}

impl Side {
    async fn run(&mut self, bench: &mut Bench, server: &Server, clients: u32, costs: &mut Costs) -> anyhow::Result<()> {
        let tally = match self.script {
            Some(script) => bench.pgbench(script, clients, None).await?,
            None => costs.served(bench, server, clients).await?,
        };
        let payments = self.script.map_or(1.0, |script| f64::from(script.payments()));
        self.rates.push(tally.rate() * payments);
        self.latencies.push(&tally);
        Ok(())
    }

    fn report(&self, others: &[Self], clients: u32, report: &mut Report) {
        let ours = Sample::new(self.rates.clone()).median();
        for other in others {
            let (label, goal) = match other.script {
                Some(Script::Batch) => ("32 payments a transaction", None),
                Some(Script::Transaction) => ("begin, two inserts, commit", None),
                _ => ("one statement a payment", Some(Goal::AtLeast(if clients < 64 { 0.9 } else { 3.0 }))),
            };
            let theirs = Sample::new(other.rates.clone()).median();
            report.add(Row {
                label: format!("create, {}, to pgbench with {label}", report::clients(clients)),
                figure: Sample::ratios(&self.rates, &other.rates),
                unit: Unit::Ratio,
                goal,
                absolute: format!("{ours:.0} to {theirs:.0} payments/s"),
            });
            if clients == 1 && other.script == Some(Script::Statement) {
                self.latencies.report(&other.latencies, ["1 client", ""], Some(Goal::AtMost(1.4)), report);
            }
        }
    }
}

impl Costs {
    async fn served(&mut self, bench: &mut Bench, server: &Server, clients: u32) -> anyhow::Result<Tally> {
        let requests = Requests::fresh(server.address, &bench.tenant, &example());
        let mut load = Load::open(&[(server.address, requests)], clients).await?;
        let (since, before) = (bench.session.now().await?, server.cpu_seconds()?);
        let tally = load.run(bench.options.window(), Expected::CREATED).await?;
        let cpu_seconds = server.cpu_seconds()? - before;
        #[expect(clippy::cast_precision_loss, reason = "a count of seconds' work")]
        self.cpu_microseconds.push(cpu_seconds * 1e6 / tally.answers as f64);
        // Before `load` is dropped, which closes the clients' sockets.
        self.resident_mib.push(server.resident_mib()?);
        bench.session.check(since, tally.answers).await?;
        Ok(tally)
    }

    fn report(self, clients: u32, report: &mut Report) {
        let (label, figure, unit, goal) = match clients {
            64 => ("server CPU a payment", self.cpu_microseconds, Unit::Microseconds, 35.0),
            256 => ("resident memory", self.resident_mib, Unit::Mebibytes, 48.0),
            _ => return,
        };
        report.add(Row {
            label: format!("{label}, {clients} clients"),
            figure: Sample::new(figure),
            unit,
            goal: Some(Goal::AtMost(goal)),
            absolute: String::new(),
        });
    }
}
