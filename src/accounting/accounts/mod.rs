//! `GET /accounting/accounts`: the chart of accounts.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRef, Path};
use axum::response::Response;
use serde::Serialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::references::{
    Error, Filter, ListQuery, Listed, PageQuery, ReferencePath, ReferenceView, RemoteData, get, list,
};
use crate::auth::{AccountingRead, Authenticator, Can};
use crate::domain::FreeText;
use crate::domain::references::{Account, Classification, Resource};
use crate::http::problem::documented;
use crate::http::problem::types::OF_CALLERS;
use crate::http::request::Query;
use crate::http::request::query::{FromQuery, Parameters};
use crate::http::response::page::Page;

impl Listed for Account {
    const RESOURCE: Resource = Resource::Account;
    type Filter = AccountFilter;
}

/// The filters of accounts.
#[derive(Debug, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AccountFilter {
    /// Of this class.
    #[param(value_type = Option<Classification>)]
    classification: Option<Classification>,
    /// Of this `type`, to the letter.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>)]
    kind: Option<FreeText>,
    /// Whether a payment can be booked on it.
    is_payment_account: Option<bool>,
}

impl FromQuery for AccountFilter {
    fn read(parameters: &mut Parameters) -> Self {
        Self {
            classification: parameters.one_of("classification"),
            kind: parameters.take("type"),
            is_payment_account: parameters.optional_boolean("is_payment_account"),
        }
    }
}

/// The routes of accounts.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(documented(routes!(list_accounts), &[OF_CALLERS, list::PROBLEMS]))
        .routes(documented(routes!(retrieve_account), &[OF_CALLERS, get::PROBLEMS]))
}

/// Lists the accounts of the connection, as they were last read from the accounting software.
///
/// The `account_id` of a payment is one of those with `is_payment_account=true`.
#[utoipa::path(
    get, path = "/accounting/accounts", tag = "references", operation_id = "list_accounts",
    params(PageQuery, Filter, AccountFilter),
    responses((
        status = 200, description = "A page", body = Page<ReferenceView<'static, Account>>,
        headers(("last-synced-at" = String, description = "When the last complete reading of the software began")),
    )),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn list_accounts(
    Can { scope, .. }: Can<AccountingRead>,
    Query(query): Query<ListQuery<AccountFilter>>,
) -> Result<Response, Error> {
    list::answer::<Account>(&scope, query).await
}

/// Reads one account of the connection, also one that is gone in the accounting software.
#[utoipa::path(
    get, path = "/accounting/accounts/{id}", tag = "references", operation_id = "retrieve_account",
    params(ReferencePath, RemoteData),
    responses((status = 200, description = "The account", body = ReferenceView<'static, Account>)),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn retrieve_account(
    Can { scope, .. }: Can<AccountingRead>,
    path: Result<Path<String>, PathRejection>,
    Query(query): Query<RemoteData>,
) -> Result<Response, Error> {
    get::answer::<Account>(&scope, path, query).await
}
