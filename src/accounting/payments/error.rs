//! What can go wrong with payments beyond what the shell knows.

use axum::response::{IntoResponse, Response};

use super::problems;
use super::write::queue::Error as WriteError;
use crate::connectors::Fault;
use crate::db;
use crate::domain::{ParseError, PaymentId};
use crate::http::problem::{Error as HttpError, Failure, FieldError, FieldErrors, Problem, types};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, another connection's, or not an id: the answer is the same.
    #[error("there is no such payment")]
    NotFound,
    /// The idempotency key came with another request before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The software refused the payment, which is kept as rejected.
    #[error("the connected software refused the payment")]
    Rejected {
        /// The id of the payment.
        id: PaymentId,
        /// Why, in the software's words.
        faults: Vec<Fault>,
    },
    /// The software could not take the payment. Nothing is stored.
    #[error("the connected software cannot take the payment")]
    Unacceptable(Vec<Fault>),
    /// The payment is not known to be stored.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A fault of the shell, or of the database.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The meaning of a request could not be written down.
    #[error("the request could not be digested: {0}")]
    Digest(#[from] serde_json::Error),
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

/// Faults of the software as faults of the body.
fn field_errors(faults: &[Fault]) -> FieldErrors {
    let listed = faults.iter().take(FieldErrors::MAX_LISTED).map(|fault| FieldError {
        pointer: Some(fault.pointer.clone()),
        parameter: None,
        header: None,
        code: fault.code.clone().into(),
        detail: fault.detail.clone(),
    });
    FieldErrors { listed: listed.collect(), count: faults.len() }
}

impl Error {
    /// The problem document. The shell has those of the database's failures ([`HttpError`]).
    fn problem(&self) -> Problem {
        match self {
            Self::NotFound => {
                Problem::new(&problems::PAYMENT_NOT_FOUND, "This connection has no payment with this id.")
            }
            Self::KeyReused => Problem::new(
                &problems::IDEMPOTENCY_KEY_REUSED,
                "Another request of this connection came with this `Idempotency-Key`. Send each payment under a new \
                 key; `GET /accounting/payments?idempotency_key=…` shows the one that has it. Nothing was stored.",
            ),
            Self::Rejected { id, faults } => {
                let texts: Vec<_> = faults.iter().map(|fault| fault.detail.as_str()).collect();
                let text: String = texts.join("; ").chars().take(Fault::MAX_CHARACTERS).collect();
                let detail = format!(
                    "The connected software refused the payment: {text}. It is stored as `rejected` under \
                     `payment_id`, and its `Idempotency-Key` stays taken: send a corrected payment under a new key."
                );
                Problem::new(&problems::REJECTED_BY_SOFTWARE, detail)
                    .with_errors(field_errors(faults).listed)
                    .with_extension("payment_id", id.0.to_string())
            }
            Self::Write(WriteError::OutcomeUnknown { id, settled_after, .. }) => {
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
            Self::Write(WriteError::Full) => Problem::new(
                &types::UNAVAILABLE,
                "More payments arrive than can be stored. Nothing of this one was; retry after the number of \
                 seconds in `Retry-After`.",
            ),
            Self::Digest(_) | Self::Http(_) | Self::Unacceptable(_) | Self::Write(WriteError::Database(_)) => {
                Problem::new(&types::INTERNAL, "The failure was logged under `request_id`.")
            }
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Http(error) => error.into_response(),
            Self::Unacceptable(faults) => HttpError::InvalidBody(field_errors(&faults)).into_response(),
            Self::Write(WriteError::Database(error)) => Self::from(error).into_response(),
            error => Failure::respond(error.problem(), error),
        }
    }
}
