//! The rates of replays and refusals, which store nothing, compared with creates.

use crate::bench::Bench;
use crate::http::ClientConnection;
use crate::load::{Expected, Load};
use crate::report::{Goal, Report, Row, Unit};
use crate::requests::{Requests, create, example};
use crate::sample::Sample;
use crate::server::Server;

const CLIENTS: u32 = 64;
/// The number of idempotency keys that are stored before the rounds.
const KNOWN_KEYS: usize = 256;
const REPLAYED: Expected = Expected { status: 201, replayed: true };
const REFUSED: Expected = Expected { status: 422, replayed: false };

/// One kind of answer, with its rates by round.
struct Kind {
    label: &'static str,
    requests: Requests,
    expected: Expected,
    rates: Vec<f64>,
}

/// Measures all kinds in turns, creates among them.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let server = bench.serve().await?;
    let mut kinds = kinds(bench, &server).await?;
    let window = bench.options.window();
    for round in 1..=bench.options.rounds {
        eprintln!("answers, round {round}");
        for kind in &mut kinds {
            let mut load = Load::open(&[(server.address, kind.requests.clone())], CLIENTS).await?;
            let since = bench.session.now().await?;
            let tally = load.run(window, kind.expected).await?;
            let stores = kind.expected == Expected::CREATED;
            bench.session.check(since, if stores { tally.answers } else { 0 }).await?;
            kind.rates.push(tally.rate());
        }
    }
    server.stop().await?;
    let [creates, others @ ..] = &kinds[..] else { return Ok(()) };
    for kind in others {
        let (ours, creates_rate) = (Sample::new(kind.rates.clone()), Sample::new(creates.rates.clone()));
        report.add(Row {
            label: format!("{}, {CLIENTS} clients, to creates", kind.label),
            figure: Sample::ratios(&kind.rates, &creates.rates),
            unit: Unit::Ratio,
            goal: kind.expected.replayed.then_some(Goal::AtLeast(1.0)),
            absolute: format!("{:.0} to {:.0} answers/s", ours.median(), creates_rate.median()),
        });
    }
    Ok(())
}

async fn kinds(bench: &Bench, server: &Server) -> anyhow::Result<Vec<Kind>> {
    let (address, tenant, body) = (server.address, &bench.tenant, example());
    let keys: Vec<String> = (0..KNOWN_KEYS).map(|number| format!("known-{number}")).collect();
    let with_known_keys =
        |body: &str| keys.iter().map(|key| create(address, tenant, key, body)).collect::<Vec<Vec<u8>>>();
    let known = with_known_keys(&body);
    let mut client = ClientConnection::open(address).await?;
    for request in &known {
        Expected::CREATED.check(&client.exchange(request).await?)?;
    }
    let other = with_known_keys(&body.replace("\"total_amount\": 10000", "\"total_amount\": 10001"));
    let invalid = Requests::fresh(address, tenant, &body.replace("\"USD\"", "\"US\""));
    let kind = |label, requests, expected| Kind { label, requests, expected, rates: Vec::new() };
    Ok(vec![
        kind("creates", Requests::fresh(address, tenant, &body), Expected::CREATED),
        kind("replays of a known key (201)", Requests::cycle(known), REPLAYED),
        kind("an invalid body (422)", invalid, REFUSED),
        kind("a known key with another body (422)", Requests::cycle(other), REFUSED),
    ])
}
