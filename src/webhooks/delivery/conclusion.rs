//! What follows from the calls of a step.

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;

use super::attempt::Attempt;
use super::schedule;
use super::sending::Message;
use super::store::Retry;
use crate::domain::EventPosition;

/// What is stored after a step.
#[derive(Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// Every event up to here was delivered or given up, or is in `retries` or an earlier retry.
    pub position: EventPosition,
    /// Events that are sent by themselves.
    pub retries: Vec<Retry>,
    /// Events that are not sent any more.
    pub ended: Vec<i64>,
}

impl Conclusion {
    /// What follows from the attempts with `messages`, in the same order; `None` where a message was not sent. `last` is
    /// the end of what was read from the feed.
    pub fn of(
        messages: &[Message],
        attempts: &[Option<Attempt>],
        last: EventPosition,
        now: DateTime<Utc>,
        random: &mut impl Rng,
    ) -> Self {
        let mut conclusion = Self { position: last, retries: Vec::new(), ended: Vec::new() };
        let in_feed = || messages.iter().zip(attempts).filter(|(message, _)| !message.is_retry);
        if let Some((unsent, _)) = in_feed().find(|(_, attempt)| attempt.is_none()) {
            // The feed is read again behind the last event that was sent. What was left out before it is sent by itself,
            // before what follows.
            let sent = in_feed().filter(|(_, attempt)| attempt.is_some()).map(|(message, _)| message.position).max();
            conclusion.position = sent.unwrap_or(EventPosition(0)).max(EventPosition(unsent.position.0 - 1));
        }
        for (message, attempt) in messages.iter().zip(attempts) {
            let position = message.position;
            let Some(attempt) = attempt else {
                if !message.is_retry && position < conclusion.position {
                    // Due at once, also for a server whose clock is behind: what follows must not pass it by.
                    conclusion.retries.push(Retry { position, attempts: 0, due_at: DateTime::UNIX_EPOCH });
                }
                continue;
            };
            let is_delivered = attempt.outcome.is_success();
            match schedule::next_attempt(attempt.number, random).filter(|_| !is_delivered) {
                Some(wait) => {
                    let wait = attempt.outcome.retry_after().map_or(wait, |asked| wait.max(asked));
                    let due_at = now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
                    conclusion.retries.push(Retry { position, attempts: attempt.number, due_at });
                }
                None => conclusion.ended.push(position.0),
            }
        }
        conclusion
    }
}
