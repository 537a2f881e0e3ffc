//! The effect of many stored payments: a large database compared with a small one, and a far page with the first.

use crate::bench::Bench;
use crate::dataset::{CLIENTS, Dataset};
use crate::load::{Expected, Load};
use crate::options::Window;
use crate::reads::{self, Read};
use crate::report::{Goal, Report, Row, Unit};
use crate::requests::{Requests, get};
use crate::sample::Sample;
use crate::server::Server;

const SMALL: u64 = 10_000;
const STEP: u64 = 1_000_000;
/// The least number of answers for a median.
const MIN_ANSWERS: u64 = 5;
const FOUND: Expected = Expected { status: 200, replayed: false };

/// Grows one database step by step. Compares it after each step with a new small one.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let largest = bench.options.payments;
    let mut large = Dataset::create(bench, "large").await?;
    for payments in [STEP, largest].into_iter().filter(|step| *step < largest).chain([largest]) {
        large.fill(bench, payments).await?;
        let mut small = Dataset::create(bench, "small").await?;
        small.fill(bench, SMALL).await?;
        let servers = [small.serve().await?, large.serve().await?];
        reads(bench, [&mut small, &mut large], &servers, payments, report).await?;
        creates(bench, [&mut small, &mut large], &servers, payments, report).await?;
        for server in servers {
            server.stop().await?;
        }
        small.drop(bench).await?;
    }
    large.drop(bench).await
}

async fn reads(
    bench: &Bench,
    [small, large]: [&mut Dataset; 2],
    servers: &[Server; 2],
    payments: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let kinds_of_small = reads::kinds(small, &servers[0]).await?;
    let kinds_of_large = reads::kinds(large, &servers[1]).await?;
    for (mut of_small, mut of_large) in kinds_of_small.into_iter().zip(kinds_of_large) {
        Read::equalize(&mut of_small, &mut of_large);
        let sides = [(&*large, &servers[1], &of_large), (&*small, &servers[0], &of_small)];
        let label = format!("time of {}, {} payments to {}", of_large.label, in_words(payments), in_words(SMALL));
        compare(bench, sides, label, None, report).await?;
    }
    let (first, far) = (Read::first_page(), reads::far_page(large, &servers[1]).await?);
    let sides = [(&*large, &servers[1], &far), (&*large, &servers[1], &first)];
    let label = format!("time of {} to the first, {} payments", far.label, in_words(payments));
    compare(bench, sides, label, Some(Goal::AtMost(1.5)), report).await
}

/// Times two reads in turns, each with one client.
async fn compare(
    bench: &Bench,
    sides: [(&Dataset, &Server, &Read); 2],
    label: String,
    goal: Option<Goal>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let window = bench.options.window().tenth();
    let mut milliseconds = [Vec::new(), Vec::new()];
    for _ in 0..bench.options.rounds {
        for ((dataset, server, read), rounds) in sides.into_iter().zip(&mut milliseconds) {
            rounds.push(time(dataset, server, read, window).await?);
        }
    }
    let [ours, theirs] = milliseconds;
    let medians = [&ours, &theirs].map(|rounds| Sample::new(rounds.clone()).median());
    report.add(Row {
        label,
        figure: Sample::ratios(&ours, &theirs),
        unit: Unit::Ratio,
        goal,
        absolute: format!("{:.2} to {:.2} ms", medians[0], medians[1]),
    });
    Ok(())
}

async fn time(dataset: &Dataset, server: &Server, read: &Read, mut window: Window) -> anyhow::Result<f64> {
    let all = read.paths.iter().map(|path| get(server.address, &dataset.tenant, path)).collect();
    let mut load = Load::open(&[(server.address, Requests::cycle(all))], 1).await?;
    loop {
        let tally = load.run(window, FOUND).await?;
        if tally.counted() >= MIN_ANSWERS {
            return Ok(tally.quantile_ms(0.5));
        }
        // Too few answers in the window: measures again with a longer one.
        window.measured *= 4;
    }
}

async fn creates(
    bench: &Bench,
    [small, large]: [&mut Dataset; 2],
    servers: &[Server; 2],
    payments: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=bench.options.rounds {
        eprintln!("growth, create, round {round}");
        theirs.push(small.creates(&servers[0], bench.options.window()).await?);
        ours.push(large.creates(&servers[1], bench.options.window()).await?);
    }
    let medians = [&ours, &theirs].map(|rounds| Sample::new(rounds.clone()).median());
    report.add(Row {
        label: format!("create, {CLIENTS} clients, {} payments to {}", in_words(payments), in_words(SMALL)),
        figure: Sample::ratios(&ours, &theirs),
        unit: Unit::Ratio,
        goal: Some(Goal::AtLeast(0.9)),
        absolute: format!("{:.0} to {:.0} payments/s", medians[0], medians[1]),
    });
    Ok(())
}

/// A number in words, like `10 thousand`.
fn in_words(payments: u64) -> String {
    match payments {
        _ if payments.is_multiple_of(1_000_000) => format!("{} million", payments / 1_000_000),
        _ if payments.is_multiple_of(1_000) => format!("{} thousand", payments / 1_000),
        _ => payments.to_string(),
    }
}
