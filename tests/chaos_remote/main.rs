//! `make chaos-remote`: checks that each payment is in the accounting software once, also when processes are killed.
//!
//! Clients pay invoices of a real Tryton through two real servers on one Postgres, with twins on both. Meanwhile
//! servers, Postgres and Tryton are killed at random moments, and requests to Tryton are cut off before, within and
//! after they are done, or arrive late. Leases end while attempts go on (`faults`). A request that books a payment is
//! held back in the network until another attempt at the payment has looked it up, fenced it, or booked it (`overlap`).
//!
//! After each round all writes end. Then the books are read as a bookkeeper does (`checker`). Every payment that is
//! `applied` has exactly one entry under its key, with the id that the server answers. A `rejected` one has none. No
//! other state is left. Each invoice is paid by exactly the applied payments, and the books balance.
//!
//! Faults are chosen by a printed seed; the instruction at which one hits cannot be chosen. That the harness can fail
//! is shown by a build whose look-ups find nothing and by one that looks up before it fences (`mutants/`).

mod books;
mod checker;
mod client;
#[path = "../chaos/clients.rs"]
mod clients;
#[path = "../remote/cutter.rs"]
#[allow(dead_code, reason = "each test binary uses its own part of this")]
mod cutter;
mod faults;
mod history;
#[path = "../chaos/node.rs"]
#[allow(dead_code, reason = "each test binary uses its own part of this")]
mod node;
mod options;
#[path = "../chaos/outcome.rs"]
mod outcome;
mod overlap;
#[path = "../chaos/processes.rs"]
mod processes;
mod program;
mod report;
#[path = "../chaos/server.rs"]
#[allow(dead_code, reason = "each test binary uses its own part of this")]
mod server;
#[path = "../support/mod.rs"]
mod support;
mod testbed;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::timeout;

use client::{Keys, MAX_CENTS};
use faults::Fault;
use history::History;
use options::{Options, Provider};
use report::Report;
use testbed::Testbed;

/// The invoices that are paid in a round.
const INVOICES: usize = 6;
/// The longest wait for answers before a fault: while the software is away, there are few.
const PATIENCE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let options = Options::parse();
    outcome::run(run(&options), |report| report.violations.is_empty() != options.must_find)
}

async fn run(options: &Options) -> anyhow::Result<Report> {
    let Provider::Tryton = options.provider;
    println!("seed {}: {} faults, {} clients", options.seed, options.runs, options.clients);
    let mut rng = StdRng::seed_from_u64(options.seed);
    let mut testbed = Testbed::start(options).await?;
    let mut report = Report::default();
    let outcome = inject_and_check(options, &mut rng, &mut testbed, &mut report).await;
    let succeeded = outcome.is_ok() && (report.violations.is_empty() || options.must_find);
    testbed.stop(succeeded).await;
    outcome.map(|()| report)
}

/// Runs rounds of faults, until there were enough or a violation is found.
async fn inject_and_check(
    options: &Options,
    rng: &mut StdRng,
    testbed: &mut Testbed,
    report: &mut Report,
) -> anyhow::Result<()> {
    let keys = Arc::new(Keys::new(options.seed));
    while report.faults() < options.runs && report.violations.is_empty() {
        let history = Arc::new(History::default());
        // Half of them are so small that the last payments are more than is left to pay. The others last for the round.
        let payments = |invoice| if invoice % 2 == 0 { 2..10 } else { 200..300 };
        let cents: Vec<_> = (0..INVOICES).map(|invoice| rng.random_range(payments(invoice)) * MAX_CENTS).collect();
        let invoices = testbed.invoices(&cents).await?;
        let clients = client::start(options.clients, &testbed.caller, &invoices, &history, &keys)?;
        for _ in 0..options.round.min(options.runs - report.faults()) {
            let fault = Fault::generate(rng);
            timeout(PATIENCE, history.wait_for_answers(fault.answers_before)).await.ok();
            if testbed.inject(&fault).await? {
                report.count(&fault);
            }
        }
        report.violations = clients.finish().await;
        testbed.settle().await?;
        let invoices: Vec<_> = invoices.into_iter().zip(cents).collect();
        let found = checker::check(testbed, &history, &invoices, report).await?;
        report.violations.extend(found);
        report.unexpected_exits = testbed.servers.iter().map(|server| server.unexpected_exits).sum();
        eprintln!("{} of {} faults, {} payments", report.faults(), options.runs, report.payments);
    }
    Ok(())
}
