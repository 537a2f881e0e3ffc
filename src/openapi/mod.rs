//! The OpenAPI document (3.1).

pub mod page;

use serde_json::json;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{Ref, RefOr, Server};
use utoipa::{OpenApi, PartialSchema, ToSchema};

use crate::accounting::payments::{create, get, list};
use crate::domain::ParseError;
use crate::http::middleware::public_url::PublicUrl;
use crate::http::middleware::request_head;
use crate::http::problem::FieldError;
use crate::http::problem::document::Problem;
use crate::http::problem::types::{self as types, ProblemType};

/// What each documented operation can answer besides success, by operation id.
const PROBLEMS: &[(&str, &[&ProblemType])] = &[
    ("create_payment", create::PROBLEMS),
    ("list_payments", list::PROBLEMS),
    ("retrieve_payment", get::PROBLEMS),
    ("ready", &[&types::UNAVAILABLE]),
];

/// The document before any route is in it.
#[must_use]
pub fn front_page() -> Document {
    #[derive(OpenApi)]
    #[openapi(
        info(
            title = "unibooks",
            description = "A unified accounting API. Amounts are whole minor units; every error is a problem document \
                (RFC 9457) with a stable `code`.",
            license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        ),
        tags(
            (name = "payments", description = "Payments of one connection"),
            (name = "server", description = "The server itself"),
        ),
    )]
    struct FrontPage;
    FrontPage::openapi()
}

/// Adds what is the same for all routes: how callers identify themselves, and every problem with an example.
#[must_use]
pub fn complete(mut api: Document) -> Document {
    let components = api.components.get_or_insert_default();
    let header =
        |name: &str, about: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, about)));
    components.add_security_scheme("api_key", header("x-api-key", "Who is calling: a key of a project"));
    components.add_security_scheme(
        "connection_token",
        header("x-connection-token", "For whom: the token of a connection of the same project"),
    );
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);

    for item in api.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            let path_problems =
                PROBLEMS.iter().find(|(id, _)| operation.operation_id.as_deref() == Some(id)).map(|(_, kinds)| *kinds);
            // Any request can have a head that is refused.
            add_problems(operation, &[request_head::PROBLEMS, path_problems.unwrap_or_default()].concat());
        }
    }
    api
}

/// Says where the server is: without it, tools take the host that the document came from, and no prefix.
#[must_use]
pub fn served_at(mut api: Document, public_url: &PublicUrl) -> Document {
    api.servers = public_url.get().map(|url| vec![Server::new(url)]);
    api
}

/// One response a status, with one example a problem code.
fn add_problems(operation: &mut Operation, kinds: &[&'static ProblemType]) {
    for kind in kinds {
        let status = kind.status.as_str();
        let same_status: Vec<_> = kinds.iter().filter(|other| other.status == kind.status).collect();
        let titles: Vec<_> = same_status.iter().map(|kind| kind.title).collect();
        let examples = same_status.iter().map(|kind| {
            (kind.code, RefOr::T(ExampleBuilder::new().summary(kind.title).value(Some(json!(example(kind)))).build()))
        });
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(Problem::name())))
            .examples_from_iter(examples)
            .build();
        let mut response =
            ResponseBuilder::new().description(titles.join("; or: ")).content("application/problem+json", content);
        match status {
            "401" => response = response.header("www-authenticate", HeaderBuilder::new().build()),
            "429" => {
                for name in ["retry-after", "ratelimit", "ratelimit-policy"] {
                    response = response.header(name, HeaderBuilder::new().build());
                }
            }
            "503" => response = response.header("retry-after", HeaderBuilder::new().build()),
            _ => {}
        }
        operation.responses.responses.insert(status.to_owned(), response.build().into());
    }
}

fn example(kind: &'static ProblemType) -> Problem {
    let no_currency = "not an ISO 4217 currency code; write three letters, like USD";
    let errors = match kind.code {
        "invalid_body" => vec![
            FieldError::in_body("/currency", ParseError::new("unknown_currency", no_currency)),
            FieldError::in_body(
                "/line_items/2/value",
                ParseError::new("wrong_type", "expected a number, found a string"),
            ),
        ],
        "invalid_query" => {
            vec![FieldError::in_query("limit", ParseError::new("out_of_range", "write a whole number from 1 to 200"))]
        }
        "unauthenticated" => vec![FieldError::in_header("x-api-key", ParseError::new("unknown", "no such API key"))],
        _ => Vec::new(),
    };
    let mut problem = Problem::new(kind, format!("{}.", kind.title)).with_errors(errors);
    "/accounting/payments".clone_into(&mut problem.instance);
    "0197a3c2-5b7e-7c40-8a51-3f0b6a9d2e11".clone_into(&mut problem.request_id);
    problem
}
