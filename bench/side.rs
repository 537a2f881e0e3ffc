//! Sides of a comparison of creates, each with its own database and server, in the parts `events` and `software`.

use std::time::Duration;

use crate::bench::Bench;
use crate::dataset::Dataset;
use crate::load::{Expected, Load};
use crate::receiver::Receiver;
use crate::report::{self, Goal, Report, Row, Unit};
use crate::requests::{Requests, example};
use crate::sample::Sample;
use crate::server::Server;

/// Payments that are stored before.
const STORED: u64 = 1_000;
/// So long that only a server that has lost events reaches it.
const DRAIN_LIMIT: Duration = Duration::from_mins(5);

/// One side of the comparison.
pub struct Side {
    label: &'static str,
    goal: Option<Goal>,
    dataset: Dataset,
    server: Server,
    /// The headers of its calls beside the usual ones, each with its line break.
    pub headers: &'static str,
    /// The body of its calls.
    pub body: String,
    /// Takes its events.
    pub receiver: Option<Receiver>,
    rates: Vec<f64>,
    /// Deliveries a second while payments are made.
    delivered: Vec<f64>,
}

/// Measures all sides in turns, with each number of clients, and reports them against the first one.
pub async fn measure(bench: &mut Bench, report: &mut Report, part: &str, mut sides: Vec<Side>) -> anyhow::Result<()> {
    for clients in bench.options.clients.clone() {
        let mut sides_in_turn: Vec<_> = sides.iter_mut().collect();
        for round in 1..=bench.options.rounds {
            eprintln!("{part}, {}, round {round}", report::clients(clients));
            for side in &mut sides_in_turn {
                side.run(bench, clients).await?;
            }
            // No side always follows the same one.
            sides_in_turn.reverse();
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
    /// Opens a side whose database is not new: its tables are analyzed, as Postgres does it in the first minute. Its calls
    /// send the example.
    pub async fn open(
        label: &'static str,
        goal: Option<Goal>,
        bench: &Bench,
        mut dataset: Dataset,
    ) -> anyhow::Result<Self> {
        dataset.fill(bench, STORED).await?;
        let server = dataset.serve().await?;
        Ok(Self {
            label,
            goal,
            dataset,
            server,
            headers: "",
            body: example(),
            receiver: None,
            rates: Vec::new(),
            delivered: Vec::new(),
        })
    }

    async fn run(&mut self, bench: &Bench, clients: u32) -> anyhow::Result<()> {
        let window = bench.options.window();
        let requests = Requests::fresh_with(self.server.address, &self.dataset.tenant, self.headers, &self.body);
        let mut load = Load::open(&[(self.server.address, requests)], clients).await?;
        self.dataset.session.checkpoint().await?;
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
