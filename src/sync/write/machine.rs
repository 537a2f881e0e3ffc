//! What moves a write into the accounting software from one state to the next. Pure.
//!
//! ```text
//! pending → sending → applied ⇄ voided     as people do in the software
//!    ↑         ├────→ rejected
//!    │         ├────→ pending           nothing was written
//!    │         └────→ unknown           perhaps it was
//!    └──────────────── unknown          a look-up found nothing
//!                         ├→ applied
//!                         └→ needs_attention
//! ```
//!
//! Two rules make it exact. A write leaves `unknown` for `pending` only after a look-up that found nothing. And nothing is
//! sent after `applied`, `voided` and `rejected`.

use std::time::Duration;

use rand::Rng;

use super::backoff;
use super::comparison::Expected;
use super::event::{Event, Last};
use super::state::State;
use crate::connectors::{Fault, Found, RemotePayment};

/// What the next state depends on.
#[derive(Debug, Clone)]
pub struct Write {
    /// Where it is.
    pub state: State,
    /// How many attempts there were, to send it or to look it up.
    pub attempts: u32,
    /// Whether it can have reached the software at any time.
    pub was_sent: bool,
    /// What must be found in the software.
    pub expected: Expected,
}

/// The state after an event, and what is stored with it.
#[derive(Debug, Clone)]
pub struct Next {
    /// Where it is now.
    pub state: State,
    /// How long until its next step; `None` when it has none.
    pub due_after: Option<Duration>,
    /// Why it is there.
    pub faults: Vec<Fault>,
    /// The payment in the software.
    pub payment: Option<Box<RemotePayment>>,
}

/// Why an event is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// It is being sent.
    #[error("it is being sent; wait until that has ended")]
    UnderWay,
    /// Nothing changes it any more.
    #[error("it is {0} for good")]
    Final(&'static str),
    /// It may be in the software.
    #[error("it was sent already: use `payment retry` or `payment settle`")]
    WasSent,
    /// The software has it.
    #[error("the software has it: {0}")]
    IsThere(String),
    /// The payment of the software is another one.
    #[error("that payment is another one: {0}")]
    Differs(String),
    /// No event of this kind is expected in its state.
    #[error("it is {0}")]
    Unexpected(&'static str),
}

/// What follows from an event.
///
/// # Errors
/// When the event is not possible in the state of the write. Nothing changes then.
pub fn next(write: &Write, event: Event, random: &mut impl Rng) -> Result<Next, Impossible> {
    use State as S;
    let Write { state, attempts, was_sent, expected } = write;
    match (state, event) {
        (S::Pending, Event::SendBegins) => Ok(Next::of(S::Sending)),
        (S::Pending | S::Sending | S::Unknown, Event::LookUpBegins) => Ok(Next::of(S::Unknown)),

        (S::Sending, Event::HalfRefused(faults)) => {
            Ok(Next::of(S::NeedsAttention).because([vec![half_written()], faults].concat()))
        }
        (S::Sending, Event::Refused(faults)) => Ok(Next::of(S::Rejected).because(faults)),
        // Before it was sent: its references do not allow it any more.
        (S::Pending, Event::Refused(faults)) if !was_sent => Ok(Next::of(S::Rejected).because(faults)),
        (S::Sending | S::Pending, Event::NotApplied { fault, after }) => {
            let wait = backoff::after(*attempts, random).max(after.unwrap_or_default());
            Ok(Next::of(S::Pending).in_a_while(wait).because(vec![fault]))
        }
        (S::Sending | S::Unknown, Event::Lost(faults)) => {
            Ok(Next::of(S::Unknown).in_a_while(backoff::after(*attempts, random)).because(faults))
        }
        (S::Sending, Event::Answered(payment))
        | (S::Sending | S::Unknown, Event::LookedUp { found: Found::One(payment), .. }) => Ok(found(expected, payment)),
        (S::Sending | S::Unknown, Event::LookedUp { found: Found::Many(ids), .. }) => {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            let detail = format!("The software has more than one payment with its key: {}.", ids.join(", "));
            Ok(Next::of(S::NeedsAttention).because(vec![Fault::new("", "found_twice", detail)]))
        }
        (S::Unknown, Event::LookedUp { found: found @ (Found::Absent | Found::Unfinished), last }) => match last {
            None => Ok(Next::of(S::Pending).in_a_while(Duration::ZERO)),
            Some(last) => Ok(Next::of(S::NeedsAttention).because(given_up(last, &found))),
        },
        (S::Pending | S::Sending | S::Unknown, Event::NoLookUp(last)) => {
            Ok(Next::of(S::NeedsAttention).because(vec![last.fault()]))
        }

        // People change payments in the software, cancel them, and may take that back.
        (S::Applied | S::Voided, Event::Seen(payment)) => {
            let state = if payment.is_voided { S::Voided } else { S::Applied };
            Ok(Next { payment: Some(payment), ..Next::of(state) })
        }
        (S::Applied, Event::Gone) => Ok(Next::of(S::Voided)),

        (S::Sending, Event::Retried | Event::SettledApplied(_) | Event::SettledRejected(_) | Event::Cancelled) => {
            Err(Impossible::UnderWay)
        }
        (S::Pending | S::Unknown | S::NeedsAttention, event) => by_person(*was_sent, expected, event, state.as_str()),
        (S::Applied | S::Rejected | S::Voided, _) => Err(Impossible::Final(state.as_str())),
        (S::Sending, _) => Err(Impossible::Unexpected(state.as_str())),
    }
}

/// What a person decides.
fn by_person(was_sent: bool, expected: &Expected, event: Event, state: &'static str) -> Result<Next, Impossible> {
    match event {
        // What was sent once is looked up before it is sent again.
        Event::Retried if was_sent => Ok(Next::of(State::Unknown).in_a_while(Duration::ZERO)),
        Event::Retried => Ok(Next::of(State::Pending).in_a_while(Duration::ZERO)),
        Event::SettledApplied(payment) => match expected.differences(&payment) {
            differences if differences.is_empty() => Ok(Next { payment: Some(payment), ..Next::of(State::Applied) }),
            differences => Err(Impossible::Differs(differences.join(", "))),
        },
        // The person's reason stays with the attempt: clients read the faults.
        Event::SettledRejected(Found::Absent) => {
            let detail = "The operator of this server has found that the software does not have it, and gave it up.";
            Ok(Next::of(State::Rejected).because(vec![Fault::new("", "settled_by_operator", detail)]))
        }
        Event::SettledRejected(found) => Err(Impossible::IsThere(match found {
            Found::One(payment) => format!("payment {}", payment.remote_id),
            Found::Many(ids) => format!("{} payments", ids.len()),
            Found::Absent | Found::Unfinished => "a payment that is half written".to_owned(),
        })),
        Event::Cancelled if was_sent => Err(Impossible::WasSent),
        Event::Cancelled => {
            let detail = "The operator of this server took it back before it was sent.";
            Ok(Next::of(State::Rejected).because(vec![Fault::new("", "cancelled_by_operator", detail)]))
        }
        _ => Err(Impossible::Unexpected(state)),
    }
}

/// The software has a payment with our key.
fn found(expected: &Expected, payment: Box<RemotePayment>) -> Next {
    let mut faults = Vec::new();
    let differences = expected.differences(&payment);
    if payment.is_voided {
        faults.push(Fault::new("", "voided", format!("The payment {} was cancelled there.", payment.remote_id)));
    }
    if !differences.is_empty() {
        let detail = format!("The payment {} is another one: {}.", payment.remote_id, differences.join(", "));
        faults.push(Fault::new("", "differs", detail));
    }
    if let Some(concern) = &payment.concern {
        faults.push(Fault::new("", "check_in_software", concern));
    }
    let state = if faults.is_empty() { State::Applied } else { State::NeedsAttention };
    // Another one's id and record are not this payment's.
    let payment = differences.is_empty().then_some(payment);
    Next { payment, ..Next::of(state).because(faults) }
}

fn given_up(last: Last, found: &Found) -> Vec<Fault> {
    let half = matches!(found, Found::Unfinished).then(half_written);
    [last.fault()].into_iter().chain(half).collect()
}

fn half_written() -> Fault {
    Fault::new("", "half_written", "The software has a part of it, which is not booked.")
}

impl Next {
    fn of(state: State) -> Self {
        Self { state, due_after: None, faults: Vec::new(), payment: None }
    }

    fn in_a_while(self, wait: Duration) -> Self {
        Self { due_after: Some(wait), ..self }
    }

    fn because(self, faults: Vec<Fault>) -> Self {
        Self { faults, ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use serde_json::value::RawValue;

    use super::*;
    use crate::connectors::RemoteAllocation;

    fn payment(amount: i64, currency: &str, invoices: &[u8], is_voided: bool) -> Box<RemotePayment> {
        Box::new(RemotePayment {
            remote_id: "15".parse().expect("an id"),
            remote_updated_at: None,
            data: RawValue::from_string("{}".to_owned()).expect("JSON"),
            key: None,
            kind: None,
            amount: amount.try_into().expect("an amount"),
            currency: currency.parse().expect("a currency"),
            exchange_rate: None,
            date: "2026-11-26".parse().expect("a date"),
            account: None,
            contact: None,
            allocations: invoices
                .iter()
                .map(|id| RemoteAllocation { invoice: id.to_string().parse().expect("an id"), amount: None })
                .collect(),
            is_voided,
            concern: None,
        })
    }

    fn write(state: State, was_sent: bool) -> Write {
        let amount = Some(100.try_into().expect("an amount"));
        let invoices = Some(vec!["1".parse().expect("an id"), "2".parse().expect("an id")]);
        let expected = Expected { amount, currency: Some("USD".parse().expect("a currency")), invoices };
        Write { state, attempts: 1, was_sent, expected }
    }

    fn states() -> impl Strategy<Value = State> {
        proptest::sample::select(State::ALL)
    }

    fn founds() -> impl Strategy<Value = Found> {
        prop_oneof![
            Just(Found::Absent),
            Just(Found::Unfinished),
            Just(Found::Many(vec!["15".parse().expect("an id"), "16".parse().expect("an id")])),
            (98..102i64, any::<bool>(), any::<bool>()).prop_map(|(amount, first, voided)| {
                Found::One(payment(amount, "USD", if first { &[2, 1] } else { &[2] }, voided))
            }),
        ]
    }

    fn events() -> impl Strategy<Value = Event> {
        let faults = || vec![Fault::new("", "some", "Some.")];
        let last = || proptest::sample::select(vec![Last::TooOld, Last::Revoked]);
        let after = proptest::option::of((0..9_000u64).prop_map(Duration::from_secs));
        prop_oneof![
            Just(Event::SendBegins),
            Just(Event::LookUpBegins),
            (98..102i64).prop_map(|amount| Event::Answered(payment(amount, "USD", &[1, 2], false))),
            Just(Event::Refused(faults())),
            Just(Event::HalfRefused(faults())),
            after.prop_map(move |after| Event::NotApplied { fault: faults().remove(0), after }),
            Just(Event::Lost(faults())),
            (founds(), proptest::option::of(last())).prop_map(|(found, last)| Event::LookedUp { found, last }),
            last().prop_map(Event::NoLookUp),
            any::<bool>().prop_map(|voided| Event::Seen(payment(100, "USD", &[1, 2], voided))),
            Just(Event::Gone),
            Just(Event::Retried),
            (98..102i64).prop_map(|amount| Event::SettledApplied(payment(amount, "USD", &[1, 2], false))),
            founds().prop_map(Event::SettledRejected),
            Just(Event::Cancelled),
        ]
    }

    fn step(write: &Write, event: Event, seed: u64) -> Result<Next, Impossible> {
        next(write, event, &mut StdRng::seed_from_u64(seed))
    }

    proptest! {
        #[test]
        fn nothing_is_sent_after_a_final_state(
            from in proptest::sample::select(vec![State::Applied, State::Rejected, State::Voided]),
            was_sent: bool, events in proptest::collection::vec(events(), 1..20),
        ) {
            let mut write = write(from, was_sent);
            for event in events {
                if let Ok(next) = step(&write, event, 1) {
                    write.state = next.state;
                }
                prop_assert!(matches!(write.state, State::Applied | State::Rejected | State::Voided));
            }
        }

        #[test]
        fn unknown_is_sent_again_only_after_an_empty_look_up(event in events(), was_sent: bool) {
            let is_nothing = matches!(
                &event,
                Event::LookedUp { found: Found::Absent | Found::Unfinished, last: None }
            );
            // A person's word alone sends only what was never sent.
            let is_first = matches!(&event, Event::Retried) && !was_sent;
            if let Ok(next) = step(&write(State::Unknown, was_sent), event, 1) {
                prop_assert!(next.state != State::Sending);
                prop_assert!(next.state != State::Pending || is_nothing || is_first);
            }
        }

        #[test]
        fn what_differs_or_is_voided_is_never_applied(from in states(), found in founds(), was_sent: bool) {
            let write = write(from, was_sent);
            let is_it = matches!(&found, Found::One(payment)
                if !payment.is_voided && write.expected.differences(payment).is_empty());
            if let Ok(next) = step(&write, Event::LookedUp { found, last: None }, 1) {
                prop_assert_eq!(next.state == State::Applied, is_it);
            }
        }

        #[test]
        fn what_was_sent_is_not_cancelled(from in states()) {
            let cancelled = Event::Cancelled;
            prop_assert!(step(&write(from, true), cancelled, 1).is_err());
        }

        #[test]
        fn what_is_in_the_software_is_not_settled_as_rejected(from in states(), found in founds(), was_sent: bool) {
            let is_absent = matches!(found, Found::Absent);
            let settled = Event::SettledRejected(found);
            prop_assert!(step(&write(from, was_sent), settled, 1).is_err() || is_absent);
        }

        #[test]
        fn open_states_have_a_next_step_and_others_have_none(
            from in states(), event in events(), was_sent: bool, seed: u64,
        ) {
            let is_lease = matches!(event, Event::SendBegins | Event::LookUpBegins);
            if let Ok(next) = step(&write(from, was_sent), event, seed) {
                let is_open = matches!(next.state, State::Pending | State::Unknown | State::Sending);
                // A lease has its own end.
                prop_assert_eq!(next.due_after.is_some(), is_open && !is_lease);
            }
        }

        #[test]
        fn pause_that_the_software_asks_for_is_kept(seconds in 0..9_000u64, seed: u64) {
            let after = Duration::from_secs(seconds);
            let event = Event::NotApplied { fault: Fault::new("", "rate_limited", "x"), after: Some(after) };
            let next = step(&write(State::Sending, true), event, seed).expect("possible");
            prop_assert!(next.due_after >= Some(after));
        }
    }

    #[test]
    fn another_payments_id_is_not_taken_over() {
        let event = |amount| Event::LookedUp { found: Found::One(payment(amount, "USD", &[1, 2], false)), last: None };
        let other = step(&write(State::Unknown, true), event(999), 1).expect("possible");
        assert_eq!((other.state, other.payment.is_none()), (State::NeedsAttention, true));
        assert!(other.faults[0].detail.contains("its amount is 999 and not 100"), "{:?}", other.faults);
        let same = step(&write(State::Unknown, true), event(100), 1).expect("possible");
        assert_eq!((same.state, same.payment.is_some()), (State::Applied, true));
    }

    #[test]
    fn what_is_applied_can_be_voided_and_put_in_force_again() {
        let seen = |is_voided| Event::Seen(payment(100, "USD", &[1, 2], is_voided));
        let after = |from, event| step(&write(from, true), event, 1).map(|next| next.state);
        assert_eq!(after(State::Applied, seen(true)), Ok(State::Voided));
        assert_eq!(after(State::Voided, seen(false)), Ok(State::Applied));
        assert_eq!(after(State::Applied, Event::Gone), Ok(State::Voided));
        for from in [State::Pending, State::Sending, State::Unknown, State::Rejected, State::NeedsAttention] {
            assert!(after(from, seen(true)).is_err() && after(from, Event::Gone).is_err(), "{from:?}");
        }
    }
}
