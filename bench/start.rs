//! The time from the start of the process to its first 201, on a database that is migrated and warm.

use std::time::Instant;

use crate::bench::Bench;
use crate::http::ClientConnection;
use crate::load::Expected;
use crate::report::{Goal, Report, Row, Unit};
use crate::requests::{Requests, example};
use crate::sample::Sample;

const STARTS: usize = 7;

/// Starts the server several times.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut milliseconds = Vec::with_capacity(STARTS);
    for start in 1..=STARTS {
        eprintln!("start {start}");
        let began = Instant::now();
        let server = bench.serve().await?;
        let mut requests = Requests::fresh(server.address, &bench.tenant, &example());
        let mut client = ClientConnection::open(server.address).await?;
        Expected::CREATED.check(&client.exchange(requests.next()).await?)?;
        milliseconds.push(began.elapsed().as_secs_f64() * 1e3);
        server.stop().await?;
    }
    report.add(Row {
        label: "start of the process to its first 201, warm database".to_owned(),
        figure: Sample::new(milliseconds),
        unit: Unit::Milliseconds,
        goal: Some(Goal::AtMost(150.0)),
        absolute: String::new(),
    });
    Ok(())
}
