//! `GET /accounting/payments/{id}`
#![expect(clippy::missing_errors_doc, reason = "`PROBLEMS` lists them; the doc comment is the API's own")]

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};

use super::error::Error;
use super::problems;
use super::query::RemoteData;
use super::store;
use super::view::PaymentView;
use crate::auth::{self, Can, PaymentsRead};
use crate::http::problem::{ProblemType, types};
use crate::http::request::{Query, path_id};

/// What this call can be answered besides 200 and what every call with credentials can be answered.
pub const PROBLEMS: &[&ProblemType] =
    &[&auth::problems::MISSING_SCOPE, &problems::PAYMENT_NOT_FOUND, &types::INVALID_QUERY];

/// Reads one payment of the connection.
#[utoipa::path(
    get, path = "/accounting/payments/{id}", tag = "payments", operation_id = "retrieve_payment",
    params(("id" = uuid::Uuid, Path, description = "The id that the create call answered"), RemoteData),
    responses((status = 200, description = "The payment", body = PaymentView<'static>)),
    security(("api_key" = ["payments:read"], "connection_token" = [])),
)]
pub async fn retrieve_payment(
    Can { scope, .. }: Can<PaymentsRead>,
    path: Result<Path<String>, PathRejection>,
    Query(RemoteData { remote_data }): Query<RemoteData>,
) -> Result<Response, Error> {
    let id = path_id(path).ok_or(Error::NotFound)?;
    let payment = store::find(&scope, id).await?.ok_or(Error::NotFound)?;
    Ok(Json(PaymentView::of(&payment, remote_data)).into_response())
}
