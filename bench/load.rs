//! The load generator: many connections, each with one request at a time.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

use crate::http::{Answer, Connection};
use crate::options::Window;
use crate::pace::Pace;
use crate::requests::Requests;
use crate::tally::Tally;

/// Only a server that hangs reaches it.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// What every answer of a load must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub status: u16,
    pub replayed: bool,
}

impl Expected {
    /// A new payment, stored.
    pub const CREATED: Self = Self { status: 201, replayed: false };

    /// Any other answer ends the benchmark: its figures would be worth nothing.
    pub fn check(self, answer: &Answer<'_>) -> anyhow::Result<()> {
        if answer.status != self.status || answer.replayed != self.replayed {
            bail!("{self:?}, but the answer was {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        }
        Ok(())
    }
}

/// A number of open connections to one server or more.
pub struct Load {
    lanes: Vec<(Connection, Requests)>,
}

impl Load {
    /// Opens `count` connections, dealt out to the servers in turn, each with its own requests.
    pub async fn open(servers: &[(SocketAddr, Requests)], count: u32) -> anyhow::Result<Self> {
        let mut lanes = Vec::new();
        for ((address, requests), _) in servers.iter().cycle().zip(0..count) {
            lanes.push((Connection::open(*address).await?, requests.clone()));
        }
        Ok(Self { lanes })
    }

    /// Closed loop: sends as fast as answers come until the window has passed, then waits for every answer.
    pub async fn run(&mut self, window: Window, expected: Expected) -> anyhow::Result<Tally> {
        let begin = Instant::now();
        self.drive(begin, window, &Pace::Closed { until: begin + window.whole() }, expected).await
    }

    /// Open loop: sends at a mean rate of `rate` requests a second whether or not answers come.
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
        for (mut connection, mut requests) in self.lanes.drain(..) {
            let (tally, pace) = (Rc::clone(&tally), pace.clone());
            let lane = async move {
                while let Some(due) = pace.next().await {
                    expected.check(&connection.exchange(requests.next()).await?)?;
                    let answered = Instant::now();
                    tally.borrow_mut().add(pace.counts_at(due, answered) - begin, answered - due)?;
                }
                anyhow::Ok((connection, requests))
            };
            running.spawn_local_on(lane, &local);
        }
        let all = local.run_until(async {
            while let Some(lane) = running.join_next().await {
                self.lanes.push(lane??);
            }
            anyhow::Ok(())
        });
        timeout(window.whole() + ANSWER_LIMIT, all).await.context("an answer never came")??;
        Rc::into_inner(tally).map(RefCell::into_inner).context("a connection still runs")
    }
}
