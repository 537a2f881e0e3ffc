//! The load generator. Closed loop: each connection sends its next request when the last one is answered.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

use crate::http::{Answer, Connection};
use crate::options::Window;
use crate::requests::Requests;

/// Only a server that hangs reaches it.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Latencies are kept in nanoseconds with this many digits.
const DIGITS: u8 = 3;

/// What every answer of a load must be.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    pub status: u16,
    pub replayed: bool,
}

/// A new payment, stored.
pub const CREATED: Expected = Expected { status: 201, replayed: false };

/// A number of open connections to one server or more.
pub struct Load {
    lanes: Vec<(Connection, Requests)>,
}

/// What a load has seen.
#[derive(Debug)]
pub struct Tally {
    /// All answers, each as expected.
    pub answers: u64,
    /// The time from sending to the end of the answer of those that count, in nanoseconds.
    pub latencies: Histogram<u64>,
    /// How long counting took.
    measured: Duration,
}

impl Tally {
    fn new(measured: Duration) -> anyhow::Result<Self> {
        Ok(Self { answers: 0, latencies: Histogram::new(DIGITS)?, measured })
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a count of seconds' work")]
        let counted = self.latencies.len() as f64;
        counted / self.measured.as_secs_f64()
    }

    /// The latency that a share of the requests kept within, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        Duration::from_nanos(self.latencies.value_at_quantile(share)).as_secs_f64() * 1e3
    }
}

impl Load {
    /// Opens `count` connections, dealt out to the servers in turn, each with its own requests.
    pub async fn open(servers: &[(SocketAddr, Requests)], count: usize) -> anyhow::Result<Self> {
        let mut lanes = Vec::with_capacity(count);
        for (address, requests) in servers.iter().cycle().take(count) {
            lanes.push((Connection::open(*address).await?, requests.clone()));
        }
        Ok(Self { lanes })
    }

    /// Sends as fast as answers come until the window has passed, then waits for every answer. What is answered in
    /// the warm-up or behind the window is counted as an answer but not as a latency.
    pub async fn run(&mut self, window: Window, expected: Expected) -> anyhow::Result<Tally> {
        let tally = Rc::new(RefCell::new(Tally::new(window.measured)?));
        let begin = Instant::now();
        let (from, until) = (begin + window.warm_up, begin + window.whole());
        let mut running = JoinSet::new();
        let local = LocalSet::new();
        for (mut connection, mut requests) in self.lanes.drain(..) {
            let tally = Rc::clone(&tally);
            running.spawn_local_on(
                async move {
                    let mut sent = Instant::now();
                    while sent < until {
                        let answer = connection.exchange(requests.next()).await?;
                        expected.check(&answer)?;
                        let now = Instant::now();
                        let mut tally = tally.borrow_mut();
                        tally.answers += 1;
                        if now >= from && now < until {
                            tally.latencies.record(nanoseconds(now - sent))?;
                        }
                        sent = now;
                    }
                    anyhow::Ok((connection, requests))
                },
                &local,
            );
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

impl Expected {
    /// Any other answer ends the benchmark: its figures would be worth nothing.
    fn check(self, answer: &Answer<'_>) -> anyhow::Result<()> {
        if answer.status != self.status || answer.replayed != self.replayed {
            bail!("{self:?}, but the answer was {answer:?}: {}", String::from_utf8_lossy(answer.body));
        }
        ensure!(!answer.body.is_empty(), "an answer without a body");
        Ok(())
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
