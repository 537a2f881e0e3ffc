//! `GET /accounting/contacts`: customers and suppliers.

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
use crate::domain::references::{Contact, Resource};
use crate::http::problem::documented;
use crate::http::problem::types::OF_CALLERS;
use crate::http::request::Query;
use crate::http::request::query::{FromQuery, Parameters};
use crate::http::response::page::Page;

impl Listed for Contact {
    const RESOURCE: Resource = Resource::Contact;
    type Filter = ContactFilter;
}

/// The filters of contacts.
#[derive(Debug, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContactFilter {
    /// Of this name, to the letter.
    #[param(value_type = Option<String>)]
    name: Option<FreeText>,
}

impl FromQuery for ContactFilter {
    fn read(parameters: &mut Parameters) -> Self {
        Self { name: parameters.take("name") }
    }
}

/// The routes of contacts.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(documented(routes!(list_contacts), &[OF_CALLERS, list::PROBLEMS]))
        .routes(documented(routes!(retrieve_contact), &[OF_CALLERS, get::PROBLEMS]))
}

/// Lists the customers and suppliers of the connection, as they were last read from the accounting software.
///
/// One call looks at no more than 10,000 objects. The list ends where `next_cursor` is null.
#[utoipa::path(
    get, path = "/accounting/contacts", tag = "references", operation_id = "list_contacts",
    params(PageQuery, Filter, ContactFilter),
    responses((
        status = 200, description = "A page", body = Page<ReferenceView<'static, Contact>>,
        headers(("last-synced-at" = String, description = "When the last complete reading of the software began")),
    )),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn list_contacts(
    Can { scope, .. }: Can<AccountingRead>,
    Query(query): Query<ListQuery<ContactFilter>>,
) -> Result<Response, Error> {
    list::answer::<Contact>(&scope, query).await
}

/// Reads one contact of the connection, also one that is gone in the accounting software.
#[utoipa::path(
    get, path = "/accounting/contacts/{id}", tag = "references", operation_id = "retrieve_contact",
    params(ReferencePath, RemoteData),
    responses((status = 200, description = "The contact", body = ReferenceView<'static, Contact>)),
    security(("api_key" = ["accounting:read"], "connection_token" = [])),
)]
async fn retrieve_contact(
    Can { scope, .. }: Can<AccountingRead>,
    path: Result<Path<String>, PathRejection>,
    Query(query): Query<RemoteData>,
) -> Result<Response, Error> {
    get::answer::<Contact>(&scope, path, query).await
}
