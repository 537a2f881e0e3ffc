//! Whether a client takes its answer.
//!
//! An answer holds memory until it is sent, so a client that does not read is let go of: when it has taken no byte for a
//! while, and when it takes less than a minimum rate over the whole answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The slowest that an answer may be taken over the whole, in bytes a second, after the time for which a client may
/// take nothing: 128 kbit/s.
const MIN_RATE: u64 = 16 * 1_024;

/// The progress of the answers on one connection, one after the other.
#[derive(Debug)]
pub struct WriteProgress {
    /// For how long the client may take nothing.
    stall: Duration,
    answer: Option<Answer>,
    timer: Pin<Box<Sleep>>,
}

/// What is being written.
#[derive(Debug, Clone, Copy)]
struct Answer {
    started: Instant,
    /// When the socket last took something.
    moved: Instant,
    /// Bytes.
    taken: u64,
}

impl Answer {
    fn deadline(self, stall: Duration) -> Instant {
        (self.moved + stall).min(self.started + stall + Duration::from_secs(self.taken / MIN_RATE))
    }
}

impl WriteProgress {
    /// Nothing is being written yet. `stall` is for how long the client may take nothing.
    #[must_use]
    pub fn new(stall: Duration) -> Self {
        Self { stall, answer: None, timer: Box::pin(tokio::time::sleep(stall)) }
    }

    /// Whether something is written that the socket has not taken yet.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.answer.is_some()
    }

    /// The socket has taken all of it.
    pub fn finish(&mut self) {
        self.answer = None;
    }

    /// Looks at the outcome of a write. Where the socket takes nothing more, the task is woken at the deadline.
    ///
    /// # Errors
    /// When the client is too slow.
    pub fn check(&mut self, context: &mut Context<'_>, outcome: &Poll<io::Result<usize>>) -> io::Result<()> {
        let now = Instant::now();
        let answer = self.answer.get_or_insert(Answer { started: now, moved: now, taken: 0 });
        match outcome {
            Poll::Ready(Ok(bytes)) => {
                answer.moved = now;
                answer.taken += u64::try_from(*bytes).unwrap_or(u64::MAX);
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let deadline = answer.deadline(self.stall);
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
        let moved = now + Duration::from_secs(3);
        let fast = Answer { started: now, moved, taken: 100 * MIN_RATE };
        assert_eq!(fast.deadline(STALL), moved + STALL);
    }

    #[tokio::test]
    async fn slow_reader_is_held_to_the_minimum_rate() {
        let now = Instant::now();
        let slow = Answer { started: now, moved: now + Duration::from_mins(1), taken: 5 * MIN_RATE };
        assert_eq!(slow.deadline(STALL), now + STALL + Duration::from_secs(5));
    }
}
