//! Payments a second while ten times as many clients call as are served at a time.
//!
//! Clients ignore `Retry-After` and repeat a refused request at once. They keep their socket as long as the server keeps
//! it, and open another when it is closed.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{timeout, timeout_at};

use crate::bench::Bench;
use crate::http::ClientConnection;
use crate::options::Window;
use crate::report::{Goal, Report, Row, Unit};
use crate::requests::{Requests, example};
use crate::sample::Sample;
use crate::tally::Tally;

/// How many may be served at a time.
const SERVED: u32 = 512;
const CLIENTS: u32 = 10 * SERVED;
/// So long that only a server that hangs reaches it.
const END_LIMIT: Duration = Duration::from_mins(1);

/// A limit of [`SERVED`], and the arguments of `unibooks serve` that set it.
struct Limit {
    of: &'static str,
    arguments: [&'static str; 2],
    payments: Vec<f64>,
    refusals: Vec<f64>,
    lost_sockets: Vec<f64>,
}

/// What the clients of one round met.
struct Counts {
    payments: Tally,
    refusals: Tally,
    /// Sockets that ended without an answer to the last request.
    lost_sockets: Tally,
}

/// Measures each limit with new servers.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let new = |of, argument| Limit {
        of,
        arguments: [argument, "512"],
        payments: Vec::new(),
        refusals: Vec::new(),
        lost_sockets: Vec::new(),
    };
    let mut limits = [new("requests", "--max-requests"), new("client connections", "--max-client-connections")];
    for round in 1..=bench.options.rounds {
        eprintln!("overload, round {round}");
        for limit in &mut limits {
            limit.run(bench).await?;
        }
    }
    for limit in limits {
        limit.report(report);
    }
    Ok(())
}

impl Limit {
    async fn run(&mut self, bench: &mut Bench) -> anyhow::Result<()> {
        let server = bench.serve_with(&self.arguments).await?;
        let requests = Requests::fresh(server.address, &bench.tenant, &example());
        let since = bench.session.now().await?;
        let Counts { payments, refusals, lost_sockets } =
            drive(server.address, &requests, bench.options.window()).await?;
        bench.session.check(since, payments.answers).await?;
        self.payments.push(payments.rate());
        self.refusals.push(refusals.rate());
        self.lost_sockets.push(lost_sockets.rate());
        server.stop().await
    }

    fn report(self, report: &mut Report) {
        let [refusals, lost] = [self.refusals, self.lost_sockets].map(|rates| Sample::new(rates).median());
        report.add(Row {
            label: format!("create, {CLIENTS} clients that never pause, {SERVED} {} served at a time", self.of),
            figure: Sample::new(self.payments),
            unit: Unit::PaymentsPerSecond,
            goal: Some(Goal::AtLeast(3_000.0)),
            absolute: format!("{refusals:.0} refusals/s, {lost:.0} sockets/s closed before an answer"),
        });
    }
}

/// Runs all clients until the window ends. Then no client repeats a refused request, and none leaves before it knows
/// whether its last payment is stored.
async fn drive(address: SocketAddr, requests: &Requests, window: Window) -> anyhow::Result<Counts> {
    let [payments, refusals, lost_sockets] = [(); 3].map(|()| Tally::new(window));
    let counts = Rc::new(RefCell::new(Counts { payments, refusals, lost_sockets }));
    let (begin, mut running, local) = (Instant::now(), JoinSet::new(), LocalSet::new());
    for _ in 0..CLIENTS {
        let until = begin + window.whole();
        let client = ImpatientClient { address, socket: None, counts: Rc::clone(&counts), begin, until };
        running.spawn_local_on(client.run(requests.clone()), &local);
    }
    let all = local.run_until(async {
        while let Some(client) = running.join_next().await {
            client??;
        }
        anyhow::Ok(())
    });
    timeout(window.whole() + END_LIMIT, all).await.context("a client never had its last answer")??;
    Rc::into_inner(counts).map(RefCell::into_inner).context("a client still runs")
}

/// A client that makes payments one after the other.
struct ImpatientClient {
    address: SocketAddr,
    socket: Option<ClientConnection>,
    counts: Rc<RefCell<Counts>>,
    begin: Instant,
    until: Instant,
}

impl ImpatientClient {
    async fn run(mut self, mut requests: Requests) -> anyhow::Result<()> {
        while Instant::now() < self.until {
            self.pay(requests.next()).await?;
        }
        Ok(())
    }

    /// Sends a request again and again until its payment is stored or the window ends. The idempotency key makes this
    /// safe.
    async fn pay(&mut self, request: &[u8]) -> anyhow::Result<()> {
        // Whether an answer was lost with its socket.
        let mut is_unknown = false;
        while is_unknown || Instant::now() < self.until {
            let sent = Instant::now();
            let connect = ClientConnection::open(self.address);
            let mut socket = match self.socket.take() {
                Some(open) => open,
                None if is_unknown => connect.await?,
                None => match timeout_at(self.until.into(), connect).await {
                    Ok(connected) => connected?,
                    Err(_window_ended) => break,
                },
            };
            let answer = socket.exchange(request).await.map(|answer| (answer.status, answer.is_last));
            let took = sent.elapsed();
            let at = self.begin.elapsed();
            let counts = &mut *self.counts.borrow_mut();
            match answer {
                // Also the answer to a repetition: the first answer was lost with its socket.
                Ok((201, is_last)) => {
                    self.socket = (!is_last).then_some(socket);
                    return counts.payments.add(at, took);
                }
                Ok((503, is_last)) => {
                    self.socket = (!is_last).then_some(socket);
                    counts.refusals.add(at, took)?;
                }
                Ok((status, _)) => bail!("a client was answered {status}"),
                Err(error) if error.root_cause().is::<io::Error>() => {
                    is_unknown = true;
                    counts.lost_sockets.add(at, took)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
