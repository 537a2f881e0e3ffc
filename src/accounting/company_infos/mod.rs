//! `GET /accounting/companyinfos`: the company whose books a connection has.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRef, Path};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::references::{
    Error, Filter, ListQuery, Listed, NoFilter, PageQuery, ReferencePath, ReferenceView, RemoteData, get, list,
};
use crate::auth::{AccountingRead, Authenticator, Can};
use crate::domain::references::{CompanyInfo, Resource};
use crate::http::problem::documented;
use crate::http::problem::types::OF_CALLERS;
use crate::http::request::Query;
use crate::http::response::page::Page;

impl Listed for CompanyInfo {
    const RESOURCE: Resource = Resource::CompanyInfo;
    type Filter = NoFilter;
}

/// The routes of company infos.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(documented(routes!(list_company_infos), &[OF_CALLERS, list::PROBLEMS]))
        .routes(documented(routes!(retrieve_company_info), &[OF_CALLERS, get::PROBLEMS]))
}

/// Lists the companies of the connection: usually one. Its `currency` is the base currency of the books.
#[utoipa::path(
    get, path = "/accounting/companyinfos", tag = "references", operation_id = "list_company_infos",
    params(PageQuery, Filter),
    responses((
        status = 200, description = "A page", body = Page<ReferenceView<'static, CompanyInfo>>,
        headers(("last-synced-at" = String, description = "When the last complete reading of the software began")),
    )),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn list_company_infos(
    Can { scope, .. }: Can<AccountingRead>,
    Query(query): Query<ListQuery<NoFilter>>,
) -> Result<Response, Error> {
    list::answer::<CompanyInfo>(&scope, query).await
}

/// Reads one company of the connection, also one that is gone in the accounting software.
#[utoipa::path(
    get, path = "/accounting/companyinfos/{id}", tag = "references", operation_id = "retrieve_company_info",
    params(ReferencePath, RemoteData),
    responses((status = 200, description = "The company", body = ReferenceView<'static, CompanyInfo>)),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn retrieve_company_info(
    Can { scope, .. }: Can<AccountingRead>,
    path: Result<Path<String>, PathRejection>,
    Query(query): Query<RemoteData>,
) -> Result<Response, Error> {
    get::answer::<CompanyInfo>(&scope, path, query).await
}
