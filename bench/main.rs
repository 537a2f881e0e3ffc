//! The benchmark of the server, `make bench`: all parts in order.
//!
//! Server, Postgres and load generator share one machine. Each figure is a ratio of two sides that are measured in
//! turns in the same run, or a cost of the server's process.

mod answers;
mod backlog;
mod bench;
mod create;
mod dataset;
mod deliveries;
mod document;
mod endpoints;
mod events;
mod growth;
mod http;
mod latency;
mod load;
mod options;
mod overload;
mod pace;
mod pgbench;
mod postgres;
mod reads;
mod receiver;
mod report;
mod requests;
mod sample;
mod server;
mod servers;
mod session;
mod side;
mod software;
mod start;
mod tally;
mod tenant;

use std::process::ExitCode;

use clap::Parser;

use crate::bench::Bench;
use crate::options::{Options, Part};
use crate::report::Report;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = tokio::select! {
        outcome = run(options) => outcome,
        // Dropping `run` kills all processes and removes the folder.
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    if let Err(error) = outcome {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut bench = Bench::start(options).await?;
    let mut report = Report::default();
    if bench.options.wants(Part::Create) {
        create::measure(&mut bench, &mut report).await?;
    }
    if bench.options.wants(Part::Latency) {
        latency::measure(&mut bench, &mut report).await?;
    }
    if bench.options.wants(Part::Start) {
        start::measure(&mut bench, &mut report).await?;
    }
    if bench.options.wants(Part::Answers) {
        answers::measure(&mut bench, &mut report).await?;
    }
    if bench.options.wants(Part::Servers) {
        servers::measure(&mut bench, &mut report).await?;
    }
    if bench.options.wants(Part::Overload) {
        overload::measure(&mut bench, &mut report).await?;
    }
    if bench.options.wants(Part::Events) {
        events::measure(&mut bench, &mut report).await?;
    }
    if bench.options.wants(Part::Software) {
        software::measure(&mut bench, &mut report).await?;
    }
    if bench.options.wants(Part::Deliveries) {
        deliveries::measure(&mut bench, &mut report).await?;
    }
    if bench.options.wants(Part::Backlog) {
        backlog::measure(&mut bench, &mut report).await?;
    }
    if bench.options.wants(Part::Endpoints) {
        endpoints::measure(&mut bench, &mut report).await?;
    }
    if bench.options.wants(Part::Growth) {
        growth::measure(&mut bench, &mut report).await?;
    }
    println!("{}\n{}", report.goals(), report.others());
    if bench.options.is_complete() {
        document::write(&document::page(&bench, &report)?)?;
    }
    bench.stop().await
}
