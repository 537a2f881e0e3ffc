//! `make chaos`: whether all that the server acknowledged survives every fault.
//!
//! Clients create payments under idempotency keys, over many connections, on the real server and a real Postgres, and
//! repeat each until it is answered. Meanwhile server, Postgres or both are killed at random moments, and the
//! connections between them are cut (`faults`, `world`, `proxy`). Every answer is written to a journal before it counts
//! (`journal`). After each round everything is compared (`verdict`): for every key one payment, with all its line
//! items, and every 201 that was ever received the same to the byte and equal to what is stored. Some payments are sent
//! once, without a key: what is stored of them was answered 201 or 409, or its answer was cut off.
//!
//! What happens is drawn from a seed, which is printed; at which instruction it strikes, nobody can draw. That the
//! harness can fail is shown by builds that are broken on purpose (`make chaos-proof`).

mod client;
mod faults;
mod journal;
mod ledger;
mod options;
mod payments;
#[path = "../support/pgbouncer.rs"]
mod pgbouncer;
mod processes;
mod proxy;
mod report;
mod server;
mod tenant;
mod verdict;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use rand::SeedableRng;
use rand::rngs::StdRng;

use client::Clients;
use faults::Fault;
use ledger::Ledger;
use options::Options;
use report::Diagnostics;
use world::World;

/// After so many faults everything is compared, and the journal begins anew.
const ROUND: u32 = 100;

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match runtime.block_on(run(&options)) {
        Ok(report) => {
            println!("{report}");
            if report.violations.is_empty() == options.must_find { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(options: &Options) -> anyhow::Result<Diagnostics> {
    println!("seed {}: {} faults, {} connections", options.seed, options.runs, options.connections);
    let mut dice = StdRng::seed_from_u64(options.seed);
    let mut world = World::start(options).await?;
    let ledger = Arc::new(Ledger::open(world.folder(), options.seed)?);
    let mut report = Diagnostics::default();
    let struck = strike_and_compare(options, &mut dice, &mut world, &ledger, &mut report).await;
    let is_good = struck.is_ok() && (report.violations.is_empty() || options.must_find);
    world.end(is_good).await;
    struck.map(|()| report)
}

/// Rounds of faults, until there were enough or something is wrong.
async fn strike_and_compare(
    options: &Options,
    dice: &mut StdRng,
    world: &mut World,
    ledger: &Arc<Ledger>,
    report: &mut Diagnostics,
) -> anyhow::Result<()> {
    while report.faults() < options.runs && report.violations.is_empty() {
        let clients = Clients::start(options.connections, world, ledger)?;
        for _ in 0..ROUND.min(options.runs - report.faults()) {
            let fault = Fault::draw(dice);
            ledger.progress(fault.timeouts).await;
            world.strike(&fault).await?;
            report.count(&fault);
        }
        world.heal().await?;
        report.violations = clients.finish().await;
        report.violations.extend(verdict::compare(world, ledger).await?);
        report.take_in(ledger, world);
        eprintln!("{} of {} faults", report.faults(), options.runs);
        if report.violations.is_empty() {
            ledger.begin_anew()?;
        }
    }
    Ok(())
}
