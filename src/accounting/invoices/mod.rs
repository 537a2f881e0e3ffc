//! `GET /accounting/invoices`: invoices to customers and bills of suppliers.

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
use crate::domain::references::{Invoice, InvoiceKind, InvoiceStatus, Resource};
use crate::domain::{FreeText, ReferenceId};
use crate::http::problem::documented;
use crate::http::problem::types::OF_CALLERS;
use crate::http::request::Query;
use crate::http::request::query::{FromQuery, Parameters};
use crate::http::response::page::Page;

impl Listed for Invoice {
    const RESOURCE: Resource = Resource::Invoice;
    type Filter = InvoiceFilter;
}

/// The filters of invoices.
#[derive(Debug, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InvoiceFilter {
    /// In this state.
    #[param(value_type = Option<InvoiceStatus>)]
    status: Option<InvoiceStatus>,
    /// Of this contact.
    #[param(value_type = Option<Uuid>)]
    contact_id: Option<ReferenceId>,
    /// To customers, or of suppliers.
    #[serde(rename = "type")]
    #[param(value_type = Option<InvoiceKind>)]
    kind: Option<InvoiceKind>,
    /// With this number, to the letter. It must be percent-encoded.
    #[param(value_type = Option<String>)]
    number: Option<FreeText>,
}

impl FromQuery for InvoiceFilter {
    fn read(parameters: &mut Parameters) -> Self {
        Self {
            status: parameters.one_of("status"),
            contact_id: parameters.take("contact_id"),
            kind: parameters.one_of("type"),
            number: parameters.take_exact("number"),
        }
    }
}

/// The routes of invoices.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(documented(routes!(list_invoices), &[OF_CALLERS, list::PROBLEMS]))
        .routes(documented(routes!(retrieve_invoice), &[OF_CALLERS, get::PROBLEMS]))
}

/// Lists the invoices of the connection, as they were last read from the accounting software.
///
/// One call looks at no more than 10,000 invoices. Where few of them pass the filters, a page has fewer than `limit`,
/// even none, and `next_cursor` leads on all the same: the list ends where `next_cursor` is null. A page also ends before
/// the invoice that would bring it over 1 MiB.
#[utoipa::path(
    get, path = "/accounting/invoices", tag = "references", operation_id = "list_invoices",
    params(PageQuery, Filter, InvoiceFilter),
    responses((
        status = 200, description = "A page", body = Page<ReferenceView<'static, Invoice>>,
        headers(("last-synced-at" = String, description = "When the last complete reading of the software began")),
    )),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn list_invoices(
    Can { scope, .. }: Can<AccountingRead>,
    Query(query): Query<ListQuery<InvoiceFilter>>,
) -> Result<Response, Error> {
    list::answer::<Invoice>(&scope, query).await
}

/// Reads one invoice of the connection, also one that is gone in the accounting software.
#[utoipa::path(
    get, path = "/accounting/invoices/{id}", tag = "references", operation_id = "retrieve_invoice",
    params(ReferencePath, RemoteData),
    responses((status = 200, description = "The invoice", body = ReferenceView<'static, Invoice>)),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn retrieve_invoice(
    Can { scope, .. }: Can<AccountingRead>,
    path: Result<Path<String>, PathRejection>,
    Query(query): Query<RemoteData>,
) -> Result<Response, Error> {
    get::answer::<Invoice>(&scope, path, query).await
}
