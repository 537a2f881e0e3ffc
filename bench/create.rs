//! Payments a second, the server beside pgbench; and what they cost.

use crate::bench::Bench;
use crate::load::{CREATED, Load};
use crate::pgbench::Script;
use crate::report::{Goal, Report, Row, Unit};
use crate::requests::{Requests, example};
use crate::sample::Sample;
use crate::server::Server;

const LEVELS: [usize; 4] = [1, 8, 64, 256];

/// The rounds of one side at one number of connections.
#[derive(Default)]
struct Rounds {
    server: Vec<f64>,
    statement: Vec<f64>,
    transaction: Vec<f64>,
    batch: Vec<f64>,
    cpu_microseconds: Vec<f64>,
    resident_mib: Vec<f64>,
}

#[derive(Clone, Copy)]
enum Side {
    Server,
    Pgbench(Script),
}

/// Measures every number of connections.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    for connections in LEVELS {
        let rounds = level(bench, connections).await?;
        add(report, connections, &rounds);
    }
    Ok(())
}

async fn level(bench: &mut Bench, connections: usize) -> anyhow::Result<Rounds> {
    // A server of its own, so that its memory is that of this number of connections.
    let server = bench.serve().await?;
    let mut sides = vec![Side::Server, Side::Pgbench(Script::Statement), Side::Pgbench(Script::Batch)];
    if connections == 64 {
        sides.push(Side::Pgbench(Script::Transaction));
    }
    let mut rounds = Rounds::default();
    for round in 1..=bench.options.rounds {
        eprintln!("create, {connections} connections, round {round}");
        for side in &sides {
            match side {
                Side::Server => served(bench, &server, connections, &mut rounds).await?,
                Side::Pgbench(script) => {
                    let rate = bench.pgbench(*script, connections).await?;
                    match script {
                        Script::Statement => rounds.statement.push(rate),
                        Script::Transaction => rounds.transaction.push(rate),
                        Script::Batch => rounds.batch.push(rate),
                    }
                }
            }
        }
        // Whoever went first goes last: the tables grow while they are measured.
        sides.reverse();
    }
    server.stop().await?;
    Ok(rounds)
}

async fn served(bench: &mut Bench, server: &Server, connections: usize, rounds: &mut Rounds) -> anyhow::Result<()> {
    let requests = Requests::fresh(server.address, &bench.tenant, &example());
    let mut load = Load::open(&[(server.address, requests)], connections).await?;
    let since = bench.store.now().await?;
    let before = server.cpu_seconds()?;
    let tally = load.run(bench.options.window(), CREATED).await?;
    let seconds = server.cpu_seconds()? - before;
    rounds.resident_mib.push(server.resident_mib()?);
    #[expect(clippy::cast_precision_loss, reason = "a count of seconds' work")]
    rounds.cpu_microseconds.push(seconds * 1e6 / tally.answers as f64);
    rounds.server.push(tally.rate());
    bench.store.check(since, tally.answers).await
}

fn add(report: &mut Report, connections: usize, rounds: &Rounds) {
    let Rounds { server, statement, transaction, batch, cpu_microseconds, resident_mib } = rounds;
    let against = |theirs: &[f64], what: &str, goal| {
        let (ours, other) = (Sample::new(server.clone()).median(), Sample::new(theirs.to_vec()).median());
        Row {
            what: format!("create, {connections} connections, to pgbench with {what}"),
            figure: Sample::ratios(server, theirs),
            unit: Unit::Times,
            goal,
            absolute: format!("{ours:.0} to {other:.0} payments/s"),
        }
    };
    let goal = Goal::AtLeast(if connections >= 64 { 3.0 } else { 0.9 });
    report.add(against(statement, "one statement a payment", Some(goal)));
    report.add(against(batch, "32 payments a transaction", None));
    if !transaction.is_empty() {
        report.add(against(transaction, "begin, two inserts, commit", None));
    }
    let alone = |what: &str, figure: &[f64], unit, goal| Row {
        what: format!("{what}, {connections} connections"),
        figure: Sample::new(figure.to_vec()),
        unit,
        goal: Some(goal),
        absolute: String::new(),
    };
    match connections {
        64 => report.add(alone("server CPU a payment", cpu_microseconds, Unit::Microseconds, Goal::AtMost(35.0))),
        256 => report.add(alone("resident memory", resident_mib, Unit::Mebibytes, Goal::AtMost(48.0))),
        _ => {}
    }
}
