//! `POST /accounting/payments`
#![expect(clippy::missing_errors_doc, reason = "`PROBLEMS` lists them; the doc comment is the API's own")]

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::Error;
use super::payment::{IdempotencyClaim, Payment, PaymentData, PaymentInsert};
use super::problems;
use super::query::RemoteData;
use super::software::{self, Calls, Checked, Settled};
use super::view::PaymentView;
use super::write::group_commit::GroupCommit;
use super::write::queue::{Error as WriteError, WriteOutcome};
use crate::auth::{self, Can, PaymentsWrite, Scoped};
use crate::http::problem::{ProblemType, types};
use crate::http::request::{Hold, Idempotency, JsonBody, Prefer, Query};

/// What this call can be answered besides 201 and what every call with credentials and a body can be answered.
pub const PROBLEMS: &[&ProblemType] = &[
    &types::INVALID_IDEMPOTENCY_KEY,
    &auth::problems::READ_ONLY_KEY,
    &auth::problems::MISSING_SCOPE,
    &types::OUTCOME_UNKNOWN,
    &types::INVALID_QUERY,
    &problems::IDEMPOTENCY_KEY_REUSED,
    &problems::REJECTED_BY_SOFTWARE,
];

/// Stores a payment and its line items: all of it, or nothing.
///
/// With an `Idempotency-Key` the call may be repeated without fear: the same request gets the same answer, however
/// often and on any server, and only one payment is stored.
///
/// With connected software the payment is then written there, and the call waits for it as long as `Prefer` says. The
/// answer has its `remote_status` at that time. When the software has refused the payment by then, the answer is 422
/// `rejected_by_software`: the only one that leaves a payment, with `remote_status` `rejected`.
#[utoipa::path(
    post, path = "/accounting/payments", tag = "payments", operation_id = "create_payment",
    params(
        RemoteData,
        ("idempotency-key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[ -~]+$", description = "Makes the call safe to repeat: 1 to 255 visible \
            characters, bare or quoted (draft-ietf-httpapi-idempotency-key-header)"),
        ("prefer" = Option<String>, Header, example = "wait=5", description = "`wait=N` or `respond-async` (RFC 7240): \
            how many seconds the call may wait for connected software, 10 when absent"),
    ),
    request_body = PaymentData,
    responses((
        status = 201, description = "Stored; also the answer to a repetition of it", body = PaymentView<'static>,
        headers(
            ("location" = String, description = "Where the payment is: its path, or its URL where the server knows its public one"),
            ("idempotent-replayed" = bool, description = "`true` when this payment was stored by an earlier call"),
            ("preference-applied" = String, description = "The preferences that were followed, where there is connected software"),
        ),
    )),
    security(("api_key" = ["payments:write"], "connection_token" = [])),
)]
pub async fn create_payment(
    Can { scope, .. }: Can<PaymentsWrite>,
    State(payments): State<GroupCommit>,
    State(calls): State<Calls>,
    hold: Hold,
    Idempotency(key): Idempotency,
    Query(RemoteData { remote_data }): Query<RemoteData>,
    JsonBody { value, mut warnings, bytes: body_bytes }: JsonBody<PaymentData>,
) -> Result<Response, Error> {
    let claim = key.map(|key| IdempotencyClaim::new(key, &value, remote_data)).transpose()?;
    let has_key = claim.is_some();
    let software = scope.has_software().then(|| scope.clone());
    let mut may_be_called = false;
    // The steps for software are boxed. A future has room for its largest step, and every call would copy it.
    if let Some(scope) = &software {
        match Box::pin(software::check(&calls.loader, scope, &value, claim.as_ref())).await? {
            Checked::Acceptable { ignored, software_may_be_called } => {
                warnings.splice(0..0, ignored).for_each(drop);
                may_be_called = software_may_be_called;
            }
            Checked::Replay(first) => return respond(Box::pin(Settled::of(scope, first)).await?, remote_data, true),
        }
    }

    let row = Scoped { scope, value: PaymentInsert { data: Box::new(value), warnings, claim } };
    match (payments.write(row, body_bytes).await, &software) {
        (Ok(WriteOutcome::Inserted(payment)), None) => Ok(created(&payment, remote_data, false)),
        (Ok(WriteOutcome::Inserted(payment)), Some(scope)) => {
            let settled = if may_be_called {
                Box::pin(calls.follow(scope, payment, &hold)).await
            } else {
                Settled::unsettled(payment)
            };
            let answer = respond(settled, remote_data, false);
            Ok(with_applied(answer.into_response(), hold.prefer))
        }
        (Ok(WriteOutcome::Replayed(first)), None) => Ok(created(&first, remote_data, true)),
        (Ok(WriteOutcome::Replayed(first)), Some(scope)) => {
            respond(Box::pin(Settled::of(scope, first)).await?, remote_data, true)
        }
        (Ok(WriteOutcome::KeyReused), _) => Err(Error::KeyReused),
        // With a key a repetition is always safe, so this stays an ordinary 503.
        (Err(WriteError::OutcomeUnknown { cause, .. }), _) if has_key => Err(cause.into()),
        (Err(error), _) => Err(error.into()),
    }
}

/// The answer for a payment in its present state.
fn respond(Settled { payment, rejection }: Settled, remote_data: bool, replayed: bool) -> Result<Response, Error> {
    match rejection {
        Some(faults) => Err(Error::Rejected { id: payment.id, faults }),
        None => Ok(created(&payment, remote_data, replayed)),
    }
}

fn with_applied(mut response: Response, prefer: Prefer) -> Response {
    if let Some(applied) = prefer.applied() {
        response.headers_mut().insert(HeaderName::from_static("preference-applied"), applied);
    }
    response
}

fn created(payment: &Payment, remote_data: bool, replayed: bool) -> Response {
    let view = PaymentView::of_create(payment, remote_data);
    let mut response = (StatusCode::CREATED, Json(view)).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(format!("/accounting/payments/{}", payment.id)) {
        headers.insert(header::LOCATION, location);
    }
    if replayed {
        headers.insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
    }
    response
}
