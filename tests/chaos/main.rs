//! `make chaos`: checks that acknowledged payments survive crashes and network faults.
//!
//! Many clients create payments under idempotency keys, on the real server and a real Postgres, and repeat each until
//! it is answered. Meanwhile server, Postgres or both are killed at random moments, and sockets between them are cut
//! (`faults`, `testbed`, `proxy`). Every answer is written to a journal before it counts (`journal`).
//!
//! Meanwhile webhook endpoints receive the events (`receiver`), and readers follow the feeds (`feed`). The receivers make
//! trouble themselves, and die.
//!
//! Everything is compared after each round (`checker`, `events`). For every key there is one payment with all its line
//! items. Every 201 that was ever received is the same to the byte and equals what is stored. Some payments are sent
//! once, without a key. If one of them is stored, its answer was 201 or 409, or was cut off.
//!
//! Each stored payment has one event in its feed, and its endpoint has taken it. A payment that is not stored has none.
//! In a connection, a payment that began after another one was answered has the later event, and events arrive in the
//! order of the feed.
//!
//! Faults are chosen by a printed seed; the instruction at which one hits cannot be chosen. That the harness can fail
//! is shown by builds that are broken on purpose (`make chaos-proof`).

mod checker;
mod client;
mod clients;
#[path = "../support/cluster.rs"]
mod cluster;
mod events;
mod faults;
mod feed;
mod history;
mod journal;
mod node;
mod options;
mod outcome;
mod payments;
#[path = "../support/pgbouncer.rs"]
mod pgbouncer;
mod processes;
mod proxy;
mod receiver;
mod report;
mod request;
mod server;
mod subscriber;
mod tenant;
mod testbed;
mod trouble;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use rand::SeedableRng;
use rand::rngs::StdRng;

use faults::Fault;
use feed::FeedReader;
use history::History;
use options::Options;
use report::Report;
use testbed::Testbed;

fn main() -> ExitCode {
    let options = Options::parse();
    outcome::run(run(&options), |report| report.violations.is_empty() != options.must_find)
}

async fn run(options: &Options) -> anyhow::Result<Report> {
    println!("seed {}: {} faults, {} clients", options.seed, options.runs, options.clients);
    let mut rng = StdRng::seed_from_u64(options.seed);
    let mut testbed = Testbed::start(options).await?;
    let history = Arc::new(History::open(testbed.folder(), options.seed)?);
    let mut report = Report::default();
    let outcome = inject_and_check(options, &mut rng, &mut testbed, &history, &mut report).await;
    let succeeded = outcome.is_ok() && (report.violations.is_empty() || options.must_find);
    testbed.stop(succeeded).await;
    outcome.map(|()| report)
}

/// Runs rounds of faults, until there were enough or a violation is found.
async fn inject_and_check(
    options: &Options,
    rng: &mut StdRng,
    testbed: &mut Testbed,
    history: &Arc<History>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let base_url = testbed.base_url();
    let readers = testbed.subscribers.iter().map(|subscriber| subscriber.reader(&base_url));
    let mut readers = readers.collect::<Result<Vec<_>, _>>()?;
    while report.faults() < options.runs && report.violations.is_empty() {
        testbed.make_trouble(true);
        let following: Vec<_> = readers.into_iter().map(FeedReader::follow).collect();
        let clients = client::start(options.clients, testbed, history)?;
        for _ in 0..options.round.min(options.runs - report.faults()) {
            let fault = Fault::generate(rng);
            history.wait_for_answers(fault.answers_before).await;
            testbed.inject(&fault).await?;
            report.count(&fault);
        }
        testbed.wait_until_ready().await?;
        report.violations = clients.finish().await;
        testbed.calm().await?;
        readers = Vec::new();
        for (reader, subscriber) in following.into_iter().zip(&testbed.subscribers) {
            let reader = reader.finish().await?;
            report.violations.extend(events::check(testbed, subscriber, history, &reader).await?);
            readers.push(reader);
        }
        report.violations.extend(checker::check(testbed, history).await?);
        report.update(history, testbed);
        eprintln!("{} of {} faults", report.faults(), options.runs);
        if report.violations.is_empty() {
            history.start_round()?;
        }
    }
    Ok(())
}
