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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Bytes;
    use axum::http::StatusCode;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{EventId, EventType};
    use crate::webhooks::delivery::Outcome;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn message(position: i64) -> Message {
        Message {
            position: EventPosition(position),
            id: EventId(Uuid::nil()),
            kind: EventType::ConnectionCreated,
            connection_id: None,
            attempts: 0,
            is_retry: false,
            body: Bytes::new(),
        }
    }

    fn answered(position: i64, status: StatusCode, retry_after: Option<Duration>) -> Attempt {
        Attempt {
            position: EventPosition(position),
            kind: EventType::ConnectionCreated,
            number: 1,
            started_at: NOW,
            duration: Duration::ZERO,
            outcome: Outcome::Answered { status, body: String::new(), retry_after },
        }
    }

    fn of(messages: &[Message], attempts: &[Option<Attempt>]) -> Conclusion {
        Conclusion::of(messages, attempts, EventPosition(10), NOW, &mut rand::rng())
    }

    #[test]
    fn refused_event_waits_as_long_as_the_answer_asks() {
        let refused = answered(1, StatusCode::SERVICE_UNAVAILABLE, Some(Duration::from_hours(1)));
        let concluded = of(&[message(1)], &[Some(refused)]);
        let due_at = NOW + TimeDelta::hours(1);
        assert_eq!(concluded.retries, [Retry { position: EventPosition(1), attempts: 1, due_at }]);
        assert_eq!((concluded.position, concluded.ended), (EventPosition(10), Vec::new()));
    }

    #[test]
    fn event_that_was_not_sent_is_not_passed() {
        let sent = |position| Some(answered(position, StatusCode::OK, None));
        let messages = [message(1), message(2), message(5)];
        let in_between = of(&messages, &[sent(1), None, sent(5)]);
        let retry = Retry { position: EventPosition(2), attempts: 0, due_at: NOW };
        assert_eq!((in_between.position, in_between.retries), (EventPosition(5), vec![retry]));
        let at_the_end = of(&messages, &[sent(1), None, None]);
        assert_eq!((at_the_end.position, at_the_end.retries), (EventPosition(1), Vec::new()));
        assert_eq!(of(&messages, &[None, None, None]).position, EventPosition(0));
    }
}
