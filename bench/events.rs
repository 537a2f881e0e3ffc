//! The cost of events: payments a second with a subscriber and without one, compared with an earlier version.

use std::time::Duration;

use crate::bench::Bench;
use crate::dataset::Dataset;
use crate::load::{Expected, Load};
use crate::receiver::Receiver;
use crate::report::{self, Goal, Report, Row, Unit};
use crate::requests::{Requests, example};
use crate::sample::Sample;
use crate::server::{Program, Server};

const CLIENT_COUNTS: [u32; 4] = [1, 8, 64, 256];
/// So long that only a server that has lost events reaches it.
const DRAIN_LIMIT: Duration = Duration::from_mins(5);

/// One side of the comparison, with its own database and server.
struct Side {
    label: &'static str,
    goal: Option<Goal>,
    dataset: Dataset,
    server: Server,
    /// Takes its events.
    receiver: Option<Receiver>,
    rates: Vec<f64>,
    /// Deliveries a second while payments are made.
    delivered: Vec<f64>,
}

/// Measures with each number of clients. The first side is the earlier version; without one, it is this one without a
/// subscriber.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut sides = Vec::new();
    if let Some(before) = bench.options.before.clone() {
        let program = Program::new(before, &bench.options.server_arguments, bench.postgres.folder());
        sides.push(Side::open("the version before", None, Dataset::create_for(bench, program, "before").await?).await?);
    }
    let goal = (!sides.is_empty()).then_some(Goal::AtLeast(0.97));
    sides.push(Side::open("no subscriber", goal, Dataset::create(bench, "unread").await?).await?);
    let dataset = Dataset::create(bench, "subscribed").await?;
    let receiver = Receiver::start()?;
    dataset.subscribe(&receiver.url(), None).await?;
    let mut subscribed = Side::open("one subscriber", Some(Goal::AtLeast(0.85)), dataset).await?;
    subscribed.receiver = Some(receiver);
    sides.push(subscribed);
    for clients in CLIENT_COUNTS {
        for round in 1..=bench.options.rounds {
            eprintln!("events, {}, round {round}", report::clients(clients));
            for side in &mut sides {
                side.run(bench, clients).await?;
            }
        }
        compare(&mut sides, clients, report);
    }
    for side in sides {
        side.server.stop().await?;
        side.dataset.drop(bench).await?;
    }
    Ok(())
}

/// Reports all sides against the first one.
fn compare(sides: &mut [Side], clients: u32, report: &mut Report) {
    let [first, others @ ..] = sides else { return };
    let theirs = std::mem::take(&mut first.rates);
    for side in others {
        let ours = std::mem::take(&mut side.rates);
        let medians = [&ours, &theirs].map(|rates| Sample::new(rates.clone()).median());
        let mut absolute = format!("{:.0} to {:.0} payments/s", medians[0], medians[1]);
        if !side.delivered.is_empty() {
            let delivered = Sample::new(std::mem::take(&mut side.delivered)).median();
            absolute = format!("{absolute}, {delivered:.0} deliveries/s");
        }
        report.add(Row {
            label: format!("create, {}, {} to {}", report::clients(clients), side.label, first.label),
            figure: Sample::ratios(&ours, &theirs),
            unit: Unit::Ratio,
            goal: side.goal,
            absolute,
        });
    }
}

impl Side {
    async fn open(label: &'static str, goal: Option<Goal>, dataset: Dataset) -> anyhow::Result<Self> {
        let server = dataset.serve().await?;
        Ok(Self { label, goal, dataset, server, receiver: None, rates: Vec::new(), delivered: Vec::new() })
    }

    async fn run(&mut self, bench: &Bench, clients: u32) -> anyhow::Result<()> {
        let window = bench.options.window();
        let requests = Requests::fresh(self.server.address, &self.dataset.tenant, &example());
        let mut load = Load::open(&[(self.server.address, requests)], clients).await?;
        let since = self.dataset.session.now().await?;
        let tally = load.run(window, Expected::CREATED).await?;
        self.rates.push(tally.rate());
        if let Some(receiver) = &self.receiver {
            #[expect(clippy::cast_precision_loss, reason = "a count of seconds' work")]
            self.delivered.push(receiver.count() as f64 / window.whole().as_secs_f64());
            // The next side must not share the machine with what is left.
            receiver.wait_for(usize::try_from(tally.answers)?, DRAIN_LIMIT).await?;
            receiver.take();
        }
        self.dataset.session.check(since, tally.answers).await
    }
}
