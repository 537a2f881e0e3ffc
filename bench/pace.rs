//! When the next request is due: in a closed or an open loop.

use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The kind of loop.
#[derive(Clone)]
pub enum Pace {
    /// A request is due when the one before is answered, until this moment.
    Closed { until: Instant },
    /// Requests are due at given moments, which all clients share. If no client is free, a request waits, and its
    /// latency grows.
    Open { due: Rc<Mutex<UnboundedReceiver<Instant>>> },
}

impl Pace {
    /// An open loop at a mean rate. Requests are a Poisson process, like those of independent clients and of pgbench's
    /// `--rate`.
    pub fn open(rate: f64, begin: Instant, whole: Duration) -> Self {
        let (send, receive) = unbounded_channel();
        // A thread, because the runtime's timers have a resolution of a millisecond.
        thread::spawn(move || tick(rate, begin, whole, &send));
        Self::Open { due: Rc::new(Mutex::new(receive)) }
    }

    /// Waits until the next request is due. Returns the moment from which its latency counts, or `None` at the end.
    pub async fn next(&self) -> Option<Instant> {
        match self {
            Self::Closed { until } => Some(Instant::now()).filter(|now| now < until),
            Self::Open { due } => due.lock().await.recv().await,
        }
    }

    /// The moment that decides whether a request is in the window. A closed loop counts answers. An open loop counts
    /// every request that was due in the window, even if its answer is late.
    pub fn counts_at(&self, due: Instant, answered: Instant) -> Instant {
        match self {
            Self::Closed { .. } => answered,
            Self::Open { .. } => due,
        }
    }
}

/// Sends each due moment when it comes.
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
