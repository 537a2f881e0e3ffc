//! When the next request is due.

use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What decides it.
#[derive(Clone)]
pub enum Pace {
    /// The answer to the request before.
    Closed { until: Instant },
    /// The clock. All connections take the next moment from here; with none free it waits, and its latency grows.
    Open { due: Rc<Mutex<UnboundedReceiver<Instant>>> },
}

impl Pace {
    /// Moments at a mean rate, as independent clients would come (a Poisson process, as pgbench's `--rate`).
    pub fn open(rate: f64, begin: Instant, whole: Duration) -> Self {
        let (send, receive) = unbounded_channel();
        // A thread, because the timers of the runtime only know whole milliseconds.
        thread::spawn(move || tick(rate, begin, whole, &send));
        Self::Open { due: Rc::new(Mutex::new(receive)) }
    }

    /// Waits for the moment from which the next request's latency counts; `None` when there is no more.
    pub async fn next(&self) -> Option<Instant> {
        match self {
            Self::Closed { until } => Some(Instant::now()).filter(|now| now < until),
            Self::Open { due } => due.lock().await.recv().await,
        }
    }

    /// A rate is counted by answers; of an open loop every request in the window counts, however late its answer.
    pub fn counts_at(&self, due: Instant, answered: Instant) -> Instant {
        match self {
            Self::Closed { .. } => answered,
            Self::Open { .. } => due,
        }
    }
}

fn tick(rate: f64, begin: Instant, whole: Duration, send: &UnboundedSender<Instant>) {
    let mut due = begin;
    loop {
        due += Duration::from_secs_f64(-(1.0 - rand::random::<f64>()).ln() / rate);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if due >= begin + whole || send.send(due).is_err() {
            return;
        }
    }
}
