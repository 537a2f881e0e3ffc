//! The cost of events: payments a second with a subscriber and without one, compared with an earlier version.

use crate::bench::Bench;
use crate::dataset::Dataset;
use crate::receiver::Receiver;
use crate::report::{Goal, Report};
use crate::server::Program;
use crate::side::{self, Side};

/// Measures with each number of clients. The first side is the earlier version; without one, it is this one without a
/// subscriber.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut sides = Vec::new();
    if let Some(before) = bench.options.before.clone() {
        let program = Program::new(before, &bench.options.server_arguments, bench.postgres.folder());
        let dataset = Dataset::create_for(bench, program, "before").await?;
        sides.push(Side::open("the version before", None, bench, dataset).await?);
    }
    let goal = (!sides.is_empty()).then_some(Goal::AtLeast(0.97));
    let dataset = Dataset::create(bench, "unread").await?;
    sides.push(Side::open("no subscriber", goal, bench, dataset).await?);
    let dataset = Dataset::create(bench, "subscribed").await?;
    let receiver = Receiver::start()?;
    dataset.subscribe(&receiver.url(), None).await?;
    let mut subscribed = Side::open("one subscriber", Some(Goal::AtLeast(0.85)), bench, dataset).await?;
    subscribed.receiver = Some(receiver);
    sides.push(subscribed);
    side::measure(bench, report, "events", sides).await
}
