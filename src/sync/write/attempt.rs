//! One attempt, over the network: to write a payment, or to look it up.
//!
//! A payment is written in this order: fence, look-up, creation. A payment that another attempt writes after the fence
//! makes the creation fail. One that it wrote before is found by the look-up. In the other order, a payment that is
//! written between the two would be written twice: that was seen with real software.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::event::{Event, Last};
use super::outcome::{self, Health};
use crate::connectors::{Connector, Error, Fault, Found, PreparedWrite, Sent};

/// How an attempt ended.
#[derive(Debug)]
pub struct Ended {
    /// For the write.
    pub event: Event,
    /// For the connection.
    pub health: Health,
}

impl Ended {
    fn well(event: Event) -> Self {
        Self { event, health: Health::Good }
    }

    fn failed(event: Event, error: &Error) -> Self {
        Self { event, health: Health::after(error) }
    }
}

/// The times by which the steps of an attempt must have ended.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    reads: Instant,
    all: Instant,
}

impl Deadlines {
    /// Those of an attempt that begins `now`. Its reads and the creation have `timeout` each.
    #[must_use]
    pub fn from(now: Instant, timeout: Duration) -> Self {
        Self { reads: now + timeout, all: now + timeout * 2 }
    }
}

/// Writes the payment. `looks_first` is whether it may be in the software already.
pub async fn send(connector: &dyn Connector, write: &PreparedWrite, looks_first: bool, deadlines: Deadlines) -> Ended {
    let mut fence = None;
    if looks_first {
        let reads = async {
            fence = connector.fence(write).await?;
            connector.find(write).await
        };
        match before(deadlines.reads, reads).await {
            Ok(Found::Absent | Found::Unfinished) => {}
            Ok(found) => return Ended::well(Event::LookedUp { found, last: None }),
            Err(error) => return Ended::failed(outcome::not_begun(&error), &error),
        }
    }
    match before(deadlines.all, connector.create(write, fence)).await {
        Ok(payment) => Ended::well(Event::Answered(Box::new(payment))),
        Err(error) => match outcome::refusal(&error) {
            Some(faults) => confirm_refusal(connector, write, faults, deadlines).await,
            None => Ended::failed(outcome::of_create(&error), &error),
        },
    }
}

/// A refusal counts only when the payment is not there: an earlier attempt, or the same payment before the database was
/// restored, may have paid the invoice, and that is why it is refused now.
async fn confirm_refusal(
    connector: &dyn Connector,
    write: &PreparedWrite,
    faults: Vec<Fault>,
    deadlines: Deadlines,
) -> Ended {
    match before(deadlines.all, connector.find(write)).await {
        Ok(Found::Absent) => Ended::well(Event::Refused(faults)),
        Ok(Found::Unfinished) => Ended::well(Event::HalfRefused(faults)),
        Ok(found) => Ended::well(Event::LookedUp { found, last: None }),
        Err(error) => Ended::failed(Event::Lost(faults), &error),
    }
}

/// Looks for the payment. `last` is why nothing is sent after it.
pub async fn look_up(
    connector: &dyn Connector,
    write: &PreparedWrite,
    last: Option<Last>,
    deadlines: Deadlines,
) -> Ended {
    match find(connector, write, deadlines).await {
        Ok(found) => Ended::well(Event::LookedUp { found, last }),
        Err(error) if last == Some(Last::Revoked) => Ended::failed(Event::NoLookUp(Last::Revoked), &error),
        Err(error) => Ended::failed(outcome::still_unknown(&error), &error),
    }
}

/// Asks the software for the payment.
///
/// # Errors
/// When it does not answer.
pub async fn find(connector: &dyn Connector, write: &PreparedWrite, deadlines: Deadlines) -> Result<Found, Error> {
    before(deadlines.reads, connector.find(write)).await
}

/// Cuts a call off: what it has sent may still arrive.
async fn before<T>(deadline: Instant, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = || Error::Unavailable { sent: Sent::Maybe, detail: "it took too long to answer".to_owned() };
    timeout_at(deadline, call).await.unwrap_or_else(|_| Err(late()))
}
