//! `GET /accounting/payments`
#![expect(clippy::missing_errors_doc, reason = "`PROBLEMS` lists them; the doc comment is the API's own")]

use axum::Json;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use utoipa::IntoParams;

use super::error::Error;
use super::filter::Filter;
use super::store::{self, PaymentPage};
use super::view::PaymentView;
use crate::auth::{self, Can, PaymentsRead};
use crate::domain::page::{Limit, Order};
use crate::http::problem::{Error as HttpError, FieldError, ProblemType, types};
use crate::http::request::Query;
use crate::http::request::cursor::{UnverifiedCursor, around};
use crate::http::request::query::{FromQuery, Parameters};
use crate::http::response::page::Page;

/// What this call can be answered besides 200 and what every call with credentials can be answered.
pub const PROBLEMS: &[&ProblemType] = &[&auth::problems::MISSING_SCOPE, &types::INVALID_QUERY];

/// Which page of which list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// How many payments a page has, from 1 to 200; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 200, example = 50)]
    limit: Limit,
    /// `next_cursor` or `prev_cursor` of another page of the same list.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{44}$")]
    cursor: Option<UnverifiedCursor>,
    /// `asc`, the default, or `desc`: the latest first. The list is sorted by accounting date when it is filtered by
    /// `transaction_date_…`, else by `modified_at` when it is filtered by `modified_…`, else by creation.
    #[param(value_type = Option<String>, pattern = "^(asc|desc)$", example = "asc")]
    order: Order,
    /// Set to true to include data from the original accounting software.
    #[param(value_type = Option<bool>)]
    remote_data: bool,
    #[param(ignore)]
    filter: Filter,
}

impl FromQuery for ListQuery {
    fn read(parameters: &mut Parameters) -> Self {
        Self {
            limit: parameters.take("limit").unwrap_or_default(),
            cursor: parameters.take("cursor"),
            order: parameters.take("order").unwrap_or_default(),
            remote_data: parameters.boolean("remote_data"),
            filter: Filter::read(parameters),
        }
    }
}

/// Lists the payments of the connection, oldest first unless asked otherwise.
///
/// One call looks at no more than 10,000 payments. Where few of them pass the filters, a page has fewer than `limit`,
/// even none, and `next_cursor` leads on all the same: the list ends where `next_cursor` is null. A page also ends before
/// the payment that would bring it over 2,000 line items or 1 MiB of texts and custom fields.
#[utoipa::path(
    get, path = "/accounting/payments", tag = "payments", operation_id = "list_payments",
    params(ListQuery, Filter),
    responses((
        status = 200, description = "A page", body = Page<PaymentView<'static>>,
        headers((
            "idempotency-key" = String,
            description = "With the filter `idempotency_key`: the key that was scanned for, as a quoted string"
        )),
    )),
    security(("api_key" = ["payments:read"], "connection_token" = [])),
)]
pub async fn list_payments(
    Can { scope, .. }: Can<PaymentsRead>,
    Query(ListQuery { limit, cursor, order, remote_data, filter }): Query<ListQuery>,
) -> Result<Response, Error> {
    let fingerprint = filter.fingerprint(scope.connection_id(), order)?;
    let cursor = cursor.map(|sent| sent.verify(fingerprint, filter.sort())).transpose();
    let cursor = cursor.map_err(|refusal| HttpError::InvalidQuery(FieldError::in_query("cursor", refusal).into()))?;

    let PaymentPage { payments, next: onward } = store::page(&scope, &filter, order, cursor, limit).await?;
    let (prev_cursor, next_cursor) = around(cursor, onward, order.direction(), fingerprint);
    let page = Page {
        prev_cursor,
        next_cursor,
        data: payments.iter().map(|payment| PaymentView::of(payment, remote_data)).collect(),
    };
    let mut response = Json(page).into_response();
    // A list under another key than meant would be a wrong answer to "did it happen?": so it names the key.
    if let Some(key) = filter.idempotency_key.and_then(|key| HeaderValue::try_from(key.quoted()).ok()) {
        response.headers_mut().insert(HeaderName::from_static("idempotency-key"), key);
    }
    Ok(response)
}
