//! Whether a client reads its response.
//!
//! A response holds memory until it is sent. So the socket of a client is closed when the client reads nothing for a
//! while, and when it reads the whole response below a minimum rate.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The minimum rate for a whole response, in bytes per second, after an initial stall timeout: 128 kbit/s.
const MIN_RATE: u64 = 16 * 1_024;

/// The progress of the responses on one socket, one after the other.
#[derive(Debug)]
pub struct WriteProgress {
    /// How long the client may read nothing.
    stall: Duration,
    response: Option<Progress>,
    timer: Pin<Box<Sleep>>,
}

/// The progress of one response.
#[derive(Debug, Clone, Copy)]
struct Progress {
    started: Instant,
    /// When the socket last accepted bytes.
    last_write: Instant,
    /// In bytes.
    written: u64,
}

impl Progress {
    fn deadline(self, stall: Duration) -> Instant {
        (self.last_write + stall).min(self.started + stall + Duration::from_secs(self.written / MIN_RATE))
    }
}

impl WriteProgress {
    /// No response yet. `stall` is how long the client may read nothing.
    #[must_use]
    pub fn new(stall: Duration) -> Self {
        Self { stall, response: None, timer: Box::pin(tokio::time::sleep(stall)) }
    }

    /// Whether a part of a response is not written yet.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.response.is_some()
    }

    /// The socket has accepted the whole response.
    pub fn finish(&mut self) {
        self.response = None;
    }

    /// Checks the outcome of a write. If the socket is full, the task is woken at the deadline.
    ///
    /// # Errors
    /// `TimedOut` when the client is too slow.
    pub fn check(&mut self, context: &mut Context<'_>, outcome: &Poll<io::Result<usize>>) -> io::Result<()> {
        let now = Instant::now();
        let response = self.response.get_or_insert(Progress { started: now, last_write: now, written: 0 });
        match outcome {
            Poll::Ready(Ok(bytes)) => {
                response.last_write = now;
                response.written += u64::try_from(*bytes).unwrap_or(u64::MAX);
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let deadline = response.deadline(self.stall);
                if self.timer.deadline() != deadline {
                    self.timer.as_mut().reset(deadline);
                }
                if self.timer.as_mut().poll(context).is_ready() {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALL: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn client_that_reads_nothing_gets_the_stall_timeout() {
        let now = Instant::now();
        let last_write = now + Duration::from_secs(3);
        let fast = Progress { started: now, last_write, written: 100 * MIN_RATE };
        assert_eq!(fast.deadline(STALL), last_write + STALL);
    }

    #[tokio::test]
    async fn slow_reader_is_held_to_the_minimum_rate() {
        let now = Instant::now();
        let slow = Progress { started: now, last_write: now + Duration::from_mins(1), written: 5 * MIN_RATE };
        assert_eq!(slow.deadline(STALL), now + STALL + Duration::from_secs(5));
    }
}
