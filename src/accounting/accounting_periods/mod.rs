//! `GET /accounting/accountingperiods`: which periods take bookings.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRef, Path};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::references::{
    Error, Filter, ListQuery, Listed, NoFilter, PageQuery, ReferencePath, ReferenceView, RemoteData, get, list,
};
use crate::auth::{AccountingRead, Authenticator, Can};
use crate::domain::references::{AccountingPeriod, Resource};
use crate::http::problem::documented;
use crate::http::problem::types::OF_CALLERS;
use crate::http::request::Query;
use crate::http::response::page::Page;

impl Listed for AccountingPeriod {
    const RESOURCE: Resource = Resource::AccountingPeriod;
    type Filter = NoFilter;
}

/// The routes of accounting periods.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(documented(routes!(list_accounting_periods), &[OF_CALLERS, list::PROBLEMS]))
        .routes(documented(routes!(retrieve_accounting_period), &[OF_CALLERS, get::PROBLEMS]))
}

/// Lists the accounting periods of the connection. Some software has none.
#[utoipa::path(
    get, path = "/accounting/accountingperiods", tag = "references", operation_id = "list_accounting_periods",
    params(PageQuery, Filter),
    responses((
        status = 200, description = "A page", body = Page<ReferenceView<'static, AccountingPeriod>>,
        headers(("last-synced-at" = String, description = "When the last complete reading of the software began")),
    )),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn list_accounting_periods(
    Can { scope, .. }: Can<AccountingRead>,
    Query(query): Query<ListQuery<NoFilter>>,
) -> Result<Response, Error> {
    list::answer::<AccountingPeriod>(&scope, query).await
}

/// Reads one accounting period of the connection, also one that is gone in the accounting software.
#[utoipa::path(
    get, path = "/accounting/accountingperiods/{id}", tag = "references", operation_id = "retrieve_accounting_period",
    params(ReferencePath, RemoteData),
    responses((status = 200, description = "The accounting period", body = ReferenceView<'static, AccountingPeriod>)),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn retrieve_accounting_period(
    Can { scope, .. }: Can<AccountingRead>,
    path: Result<Path<String>, PathRejection>,
    Query(query): Query<RemoteData>,
) -> Result<Response, Error> {
    get::answer::<AccountingPeriod>(&scope, path, query).await
}
