//! The load generator: many clients, each with one request at a time.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

use crate::http::{Answer, ClientConnection};
use crate::options::Window;
use crate::pace::Pace;
use crate::requests::Requests;
use crate::tally::Tally;

/// So long that only a server that hangs reaches it.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The answer that a load expects to every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub status: u16,
    pub replayed: bool,
}

impl Expected {
    /// A payment that is newly stored.
    pub const CREATED: Self = Self { status: 201, replayed: false };

    /// Fails on any other answer, which ends the benchmark: its figures would be worthless.
    pub fn check(self, answer: &Answer<'_>) -> anyhow::Result<()> {
        if answer.status != self.status || answer.replayed != self.replayed {
            bail!("{self:?}, but the answer was {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        }
        Ok(())
    }
}

/// Connected clients of one server or more.
pub struct Load {
    clients: Vec<(ClientConnection, Requests)>,
}

impl Load {
    /// Connects `count` clients, distributed over the servers in turn. A client sends the requests of its server.
    pub async fn open(servers: &[(SocketAddr, Requests)], count: u32) -> anyhow::Result<Self> {
        let mut clients = Vec::new();
        for ((address, requests), _) in servers.iter().cycle().zip(0..count) {
            clients.push((ClientConnection::open(*address).await?, requests.clone()));
        }
        Ok(Self { clients })
    }

    /// Closed loop: each client sends its next request after an answer, until the window ends. Waits for all answers.
    pub async fn run(&mut self, window: Window, expected: Expected) -> anyhow::Result<Tally> {
        let begin = Instant::now();
        self.drive(begin, window, &Pace::Closed { until: begin + window.whole() }, expected).await
    }

    /// Open loop: sends `rate` requests a second on average, independent of the answers.
    pub async fn run_at(&mut self, rate: f64, window: Window, expected: Expected) -> anyhow::Result<Tally> {
        let begin = Instant::now();
        self.drive(begin, window, &Pace::open(rate, begin, window.whole()), expected).await
    }

    async fn drive(
        &mut self,
        begin: Instant,
        window: Window,
        pace: &Pace,
        expected: Expected,
    ) -> anyhow::Result<Tally> {
        let tally = Rc::new(RefCell::new(Tally::new(window)));
        let mut running = JoinSet::new();
        let local = LocalSet::new();
        for (mut client, mut requests) in self.clients.drain(..) {
            let (tally, pace) = (Rc::clone(&tally), pace.clone());
            let task = async move {
                while let Some(due) = pace.next().await {
                    expected.check(&client.exchange(requests.next()).await?)?;
                    let answered = Instant::now();
                    tally.borrow_mut().add(pace.counts_at(due, answered) - begin, answered - due)?;
                }
                anyhow::Ok((client, requests))
            };
            running.spawn_local_on(task, &local);
        }
        let all = local.run_until(async {
            while let Some(client) = running.join_next().await {
                self.clients.push(client??);
            }
            anyhow::Ok(())
        });
        timeout(window.whole() + ANSWER_LIMIT, all).await.context("an answer never came")??;
        Rc::into_inner(tally).map(RefCell::into_inner).context("a client still runs")
    }
}
