//! Deliveries while very many events wait, compared with a thousand: the first ones, and the memory of the server.

use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::dataset::Dataset;
use crate::receiver::Receiver;
use crate::report::{Goal, Report, Row, Unit};
use crate::sample::Sample;

/// The small backlog, and how many deliveries are timed.
const TIMED: u64 = 1_000;
/// So long that only a server that hangs reaches it.
const LIMIT: Duration = Duration::from_mins(1);

/// One backlog: milliseconds from the start of the process, and memory, by round.
struct Side {
    dataset: Dataset,
    receiver: Receiver,
    first: Vec<f64>,
    timed: Vec<f64>,
    resident_mib: Vec<f64>,
}

/// Measures both backlogs in turns.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let large = bench.options.backlog;
    let mut sides = [Side::open(bench, "small", TIMED).await?, Side::open(bench, "large", large).await?];
    for round in 1..=bench.options.rounds {
        eprintln!("backlog, round {round}");
        for side in &mut sides {
            side.run(bench).await?;
        }
    }
    let [small, large] = &sides;
    let label = format!("{} events wait, to {TIMED}", bench.options.backlog);
    for (name, ours, theirs, unit) in [
        ("start to the first delivery", &large.first, &small.first, "ms"),
        ("start to delivery 1,000", &large.timed, &small.timed, "ms"),
        ("resident memory", &large.resident_mib, &small.resident_mib, "MiB"),
    ] {
        let medians = [ours, theirs].map(|rounds| Sample::new(rounds.clone()).median());
        report.add(Row {
            label: format!("{name}, {label}"),
            figure: Sample::ratios(ours, theirs),
            unit: Unit::Ratio,
            goal: Some(Goal::AtMost(1.5)),
            absolute: format!("{:.1} to {:.1} {unit}", medians[0], medians[1]),
        });
    }
    for side in sides {
        side.dataset.drop(bench).await?;
    }
    Ok(())
}

impl Side {
    async fn open(bench: &mut Bench, database: &str, events: u64) -> anyhow::Result<Self> {
        let mut dataset = Dataset::create(bench, database).await?;
        dataset.fill(bench, events).await?;
        let receiver = Receiver::start()?;
        dataset.subscribe(&receiver.url(), None).await?;
        dataset.session.announce_all(dataset.tenant.project).await?;
        Ok(Self { dataset, receiver, first: Vec::new(), timed: Vec::new(), resident_mib: Vec::new() })
    }

    async fn run(&mut self, bench: &Bench) -> anyhow::Result<()> {
        self.dataset.session.rewind().await?;
        let started = Instant::now();
        let server = self.dataset.serve().await?;
        self.receiver.wait_for(usize::try_from(TIMED)?, LIMIT).await?;
        // The small backlog is at its end now. The large one goes on, with all that this needs.
        tokio::time::sleep(bench.options.window().measured).await;
        self.resident_mib.push(server.resident_mib()?);
        server.stop().await?;
        let deliveries = self.receiver.take();
        let milliseconds = |index: usize| deliveries[index].at.duration_since(started).as_secs_f64() * 1e3;
        self.first.push(milliseconds(0));
        self.timed.push(milliseconds(usize::try_from(TIMED)? - 1));
        Ok(())
    }
}
