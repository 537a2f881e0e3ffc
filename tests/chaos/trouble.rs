//! The trouble that a receiver of webhooks makes with one request, and how likely each kind is.

use std::time::Duration;

use rand::{Rng, RngExt};

/// What a receiver does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It takes the delivery.
    None,
    /// It takes the delivery, late.
    Slow(Duration),
    /// It answers 500.
    Refuse,
    /// It resets the socket before it has read the body.
    ResetRequest,
    /// It resets the socket after the body, before its answer.
    ResetAnswer,
    /// It resets the socket amid the status of its answer.
    CutAnswer,
}

impl Trouble {
    pub fn generate(rng: &mut impl Rng) -> Self {
        match rng.random_range(0..100) {
            0..2 => Self::Slow(Duration::from_millis(rng.random_range(1..300))),
            2..4 => Self::Refuse,
            4..6 => Self::ResetRequest,
            6..8 => Self::ResetAnswer,
            8..10 => Self::CutAnswer,
            _ => Self::None,
        }
    }
}
