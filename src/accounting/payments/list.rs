//! `GET /accounting/payments`
#![expect(clippy::missing_errors_doc, reason = "`PROBLEMS` lists them; the doc comment is the API's own")]

use axum::Json;
use axum::response::{IntoResponse, Response};
use utoipa::IntoParams;

use super::error::Error;
use super::filter::Filter;
use super::payment::Payment;
use super::store;
use super::view::PaymentView;
use crate::auth::CanRead;
use crate::http::page::{Cursor, Direction, Limit, Page, SentCursor};
use crate::http::problem_types::{self as types, ProblemType};
use crate::http::query::{FromQuery, Parameters};
use crate::http::report::Fault;
use crate::http::{Error as HttpError, Query};

/// What this endpoint can answer besides 200.
pub const PROBLEMS: &[&ProblemType] =
    &[&types::UNAUTHENTICATED, &types::INVALID_QUERY, &types::INTERNAL, &types::UNAVAILABLE];

/// Which page of which list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// How many payments a page has, from 1 to 200; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 200, example = 50)]
    limit: Limit,
    /// `next_cursor` or `prev_cursor` of another page of the same list.
    #[param(value_type = Option<String>)]
    cursor: Option<SentCursor>,
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
            remote_data: parameters.boolean("remote_data"),
            filter: Filter::read(parameters),
        }
    }
}

/// Lists the payments of the connection, oldest first.
#[utoipa::path(
    get, path = "/accounting/payments", tag = "payments", operation_id = "list_payments",
    params(ListQuery, Filter),
    responses((status = 200, description = "A page", body = Page<PaymentView<'static>>)),
    security(("api_key" = [], "connection_token" = [])),
)]
pub async fn list_payments(
    CanRead(scope): CanRead,
    Query(ListQuery { limit, cursor, remote_data, filter }): Query<ListQuery>,
) -> Result<Response, Error> {
    let binding = filter.binding(scope.connection_id())?;
    let cursor = cursor.map(|sent| sent.within(binding)).transpose();
    let cursor = cursor.map_err(|refusal| HttpError::InvalidQuery(vec![Fault::in_query("cursor", refusal)]))?;

    // One more than asked for tells whether there is a further page.
    let mut payments = store::page(&scope, &filter, cursor, limit.get() + 1).await?;
    let more = payments.len() > limit.get();
    payments.truncate(limit.get());
    let backward = cursor.is_some_and(|cursor| cursor.direction == Direction::Backward);
    if backward {
        payments.reverse();
    }

    let place = |payment: &Payment, direction| {
        Cursor { direction, created_at: payment.created_at, id: payment.id.0 }.encode(binding)
    };
    // Whoever came from a page can go back to it; onward leads only what was seen.
    let (before, after) = if backward { (more, true) } else { (cursor.is_some(), more) };
    let page = Page {
        prev_cursor: payments.first().filter(|_| before).map(|first| place(first, Direction::Backward)),
        next_cursor: payments.last().filter(|_| after).map(|last| place(last, Direction::Forward)),
        data: payments.iter().map(|payment| PaymentView::of(payment, remote_data)).collect(),
    };
    Ok(Json(page).into_response())
}
