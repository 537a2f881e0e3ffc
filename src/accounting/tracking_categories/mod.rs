//! `GET /accounting/trackingcategories`: analytic accounts, cost centres, projects.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRef, Path};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::references::{
    Error, Filter, ListQuery, Listed, NoFilter, PageQuery, ReferencePath, ReferenceView, RemoteData, get, list,
};
use crate::auth::{AccountingRead, Authenticator, Can};
use crate::domain::references::{Resource, TrackingCategory};
use crate::http::problem::documented;
use crate::http::problem::types::OF_CALLERS;
use crate::http::request::Query;
use crate::http::response::page::Page;

impl Listed for TrackingCategory {
    const RESOURCE: Resource = Resource::TrackingCategory;
    type Filter = NoFilter;
}

/// The routes of tracking categories.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(documented(routes!(list_tracking_categories), &[OF_CALLERS, list::PROBLEMS]))
        .routes(documented(routes!(retrieve_tracking_category), &[OF_CALLERS, get::PROBLEMS]))
}

/// Lists the tracking categories of the connection, as they were last read from the accounting software.
#[utoipa::path(
    get, path = "/accounting/trackingcategories", tag = "references", operation_id = "list_tracking_categories",
    params(PageQuery, Filter),
    responses((
        status = 200, description = "A page", body = Page<ReferenceView<'static, TrackingCategory>>,
        headers(("last-synced-at" = String, description = "When the last complete reading of the software began")),
    )),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn list_tracking_categories(
    Can { scope, .. }: Can<AccountingRead>,
    Query(query): Query<ListQuery<NoFilter>>,
) -> Result<Response, Error> {
    list::answer::<TrackingCategory>(&scope, query).await
}

/// Reads one tracking category of the connection, also one that is gone in the accounting software.
#[utoipa::path(
    get, path = "/accounting/trackingcategories/{id}", tag = "references", operation_id = "retrieve_tracking_category",
    params(ReferencePath, RemoteData),
    responses((status = 200, description = "The tracking category", body = ReferenceView<'static, TrackingCategory>)),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn retrieve_tracking_category(
    Can { scope, .. }: Can<AccountingRead>,
    path: Result<Path<String>, PathRejection>,
    Query(query): Query<RemoteData>,
) -> Result<Response, Error> {
    get::answer::<TrackingCategory>(&scope, path, query).await
}
