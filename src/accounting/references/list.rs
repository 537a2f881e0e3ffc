//! `GET /accounting/…`, for every resource.

use axum::Json;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::range::Index;
use super::store::{self, ReferencePage};
use super::{Error, Filter, Listed, ReferenceView};
use crate::auth::{self, Scope};
use crate::domain::page::{Limit, Order};
use crate::http::problem::{Error as HttpError, FieldError, ProblemType, types};
use crate::http::request::cursor::{ListFingerprint, UnverifiedCursor, around};
use crate::http::request::query::{FromQuery, Parameters};
use crate::http::response::page::Page;

/// What this call can be answered besides 200 and what every call with credentials can be answered.
pub const PROBLEMS: &[&ProblemType] = &[&auth::problems::MISSING_SCOPE, &types::INVALID_QUERY];

/// When the last complete reading of the resource in the accounting software began; left out before the first.
const LAST_SYNCED_AT: HeaderName = HeaderName::from_static("last-synced-at");

/// Which page of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many objects a page has, from 1 to 200; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 200, example = 50)]
    limit: Limit,
    /// `next_cursor` or `prev_cursor` of another page of the same list.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{44}$")]
    cursor: Option<UnverifiedCursor>,
    /// `asc`, the default, or `desc`: the latest first. The list is sorted by `modified_at` when it is filtered by
    /// `modified_…`, else by `created_at`.
    #[param(value_type = Option<String>, pattern = "^(asc|desc)$", example = "asc")]
    order: Order,
    /// Set to true to include data from the original accounting software.
    #[param(value_type = Option<bool>)]
    remote_data: bool,
}

/// The query of the list of a resource: the page, the filters of all resources, and its own.
#[derive(Debug)]
pub struct ListQuery<F> {
    page: PageQuery,
    filter: Filter,
    own: F,
}

impl<F: FromQuery> FromQuery for ListQuery<F> {
    fn read(parameters: &mut Parameters) -> Self {
        Self {
            page: PageQuery {
                limit: parameters.take("limit").unwrap_or_default(),
                cursor: parameters.take("cursor"),
                order: parameters.take("order").unwrap_or_default(),
                remote_data: parameters.boolean("remote_data"),
            },
            filter: Filter::read(parameters),
            own: F::read(parameters),
        }
    }
}

/// Answers a page of the resource of `T`.
///
/// # Errors
/// [`PROBLEMS`] lists them.
pub async fn answer<T: Listed>(scope: &Scope, query: ListQuery<T::Filter>) -> Result<Response, Error> {
    let ListQuery { page: PageQuery { limit, cursor, order, remote_data }, filter, own } = query;
    let members = members(&own)?;
    let index = Index::of(scope.connection_id(), T::RESOURCE, &filter, &members);
    let fingerprint = ListFingerprint::of(&[
        scope.connection_id().0.as_bytes(),
        T::RESOURCE.as_str().as_bytes(),
        &serde_json::to_vec(&(&filter, &members, order))?,
    ]);
    let cursor = cursor.map(|sent| sent.verify(fingerprint, index.sort())).transpose();
    let cursor = cursor.map_err(|refusal| HttpError::InvalidQuery(FieldError::in_query("cursor", refusal).into()))?;

    // Read first: the page is at least as fresh.
    let synced_at = if scope.has_software() { store::last_synced_at(scope, T::RESOURCE).await? } else { None };
    let wanted = store::Wanted { resource: T::RESOURCE, filter: &filter, members: &members, remote_data };
    let ReferencePage { references, next: onward } = store::page(scope, wanted, index, order, cursor, limit).await?;
    let (prev_cursor, next_cursor) = around(cursor, onward, order.direction(), fingerprint);
    let page = Page {
        prev_cursor,
        next_cursor,
        data: references.iter().map(ReferenceView::<T>::of).collect::<Result<Vec<_>, _>>()?,
    };
    let mut response = Json(page).into_response();
    if let Some(at) =
        synced_at.and_then(|at| HeaderValue::try_from(at.to_rfc3339_opts(SecondsFormat::AutoSi, true)).ok())
    {
        response.headers_mut().insert(LAST_SYNCED_AT, at);
    }
    Ok(response)
}

/// The members that a resource's own filters name, with the values that they must have.
fn members(own: &impl serde::Serialize) -> serde_json::Result<Map<String, Value>> {
    let value = serde_json::to_value(own)?;
    let members = if let Value::Object(members) = value { members } else { Map::new() };
    Ok(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
}
