//! What can go wrong with payments beyond what the shell knows.

use std::time::Duration;

use axum::response::{IntoResponse, Response};

use super::problems;
use super::write::group_commit;
use crate::db;
use crate::domain::{ParseError, PaymentId};
use crate::http::problem::Error as HttpError;
use crate::http::problem::FieldError;
use crate::http::problem::document::Problem;
use crate::http::problem::failure::Failure;
use crate::http::problem::types;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, another connection's, or not an id: not told apart.
    #[error("there is no such payment")]
    NotFound,
    /// The idempotency key came with another request before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The database failed while the payment was being stored, and there is no key under which the client could safely
    /// try again.
    #[error("whether the payment was stored is not known: {cause}")]
    OutcomeUnknown {
        /// The id that it has if it was, where that is known.
        id: Option<PaymentId>,
        /// After this time it is known whether it was.
        settled_after: Duration,
        /// What broke.
        #[source]
        cause: db::Error,
    },
    /// More payments wait to be stored than memory is set aside for.
    #[error("the queue of payments to be stored is full")]
    QueueFull,
    /// A fault of the shell, or of the database.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The meaning of a request could not be written down.
    #[error("the request could not be digested: {0}")]
    Digest(#[from] serde_json::Error),
}

impl From<group_commit::Error> for Error {
    fn from(error: group_commit::Error) -> Self {
        match error {
            group_commit::Error::Full => Self::QueueFull,
            group_commit::Error::OutcomeUnknown { id, settled_after, cause } => {
                Self::OutcomeUnknown { id, settled_after, cause }
            }
            group_commit::Error::Database(error) => error.into(),
        }
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error.constraint().and_then(member_of) {
            Some(pointer) => {
                let refusal = ParseError::new("refused_by_constraint", "refused by a rule of the database");
                Self::Http(HttpError::InvalidBody(FieldError::in_body(pointer, refusal).into()))
            }
            None => Self::Http(HttpError::Database(error)),
        }
    }
}

/// The member that a named constraint of `migrations/` speaks of. The types let nothing through that these refuse,
/// unless an operator has made one of them stricter.
fn member_of(constraint: &str) -> Option<&'static str> {
    Some(match constraint {
        "payment_transaction_offset_range" | "payment_transaction_date_offset" => "/transaction_date",
        "payment_currency_code" => "/currency",
        "payment_exchange_rate_decimal" => "/exchange_rate",
        "payment_total_amount_range" => "/total_amount",
        "payment_field_mappings_object" => "/field_mappings",
        name if name.starts_with("payment_line_item_") => "/line_items",
        _ => return None,
    })
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = match &self {
            Self::NotFound => {
                Problem::new(&problems::PAYMENT_NOT_FOUND, "This connection has no payment with this id.")
            }
            Self::KeyReused => Problem::new(
                &problems::IDEMPOTENCY_KEY_REUSED,
                "Another request of this connection came with this `Idempotency-Key`. Send each payment under a new \
                 key; `GET /accounting/payments?idempotency_key=…` shows the one that has it. Nothing was stored.",
            ),
            Self::OutcomeUnknown { id, settled_after, .. } => {
                let look = match id {
                    Some(_) => "`GET /accounting/payments/{payment_id}` answers 200 if it was stored and 404 if not.",
                    None => "the list of the newest payments shows whether it was stored.",
                };
                let detail = format!(
                    "Storing the payment failed halfway. Wait {} seconds; then {look} Send an `Idempotency-Key` with \
                     each create call: then a repetition is always safe.",
                    settled_after.as_secs(),
                );
                let problem = Problem::new(&types::OUTCOME_UNKNOWN, detail);
                match id {
                    Some(id) => problem.with_extension("payment_id", id.0.to_string()),
                    None => problem,
                }
            }
            Self::QueueFull => Problem::new(
                &types::UNAVAILABLE,
                "More payments arrive than can be stored. Nothing of this one was; try again after the seconds that \
                 `Retry-After` tells.",
            ),
            Self::Digest(_) => Problem::new(&types::INTERNAL, "The failure was logged under `request_id`."),
            Self::Http(_) => {
                let Self::Http(error) = self else { unreachable!() };
                return error.into_response();
            }
        };
        Failure::respond(problem, self)
    }
}
