//! Problem types in the OpenAPI document.

use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{Ref, RefOr};
use utoipa_axum::router::UtoipaMethodRouter;

use super::document::Problem;
use super::field_error::FieldError;
use super::types::{self, ProblemType};
use crate::domain::ParseError;

/// A route with the problems that it can answer besides those of its head ([`types::OF_HEADS`]).
pub fn documented<S>(
    (schemas, mut paths, router): UtoipaMethodRouter<S>,
    problems: &[&[&'static ProblemType]],
) -> UtoipaMethodRouter<S> {
    let problems = [types::OF_HEADS, &problems.concat()].concat();
    for (path, item) in &mut paths.paths {
        let methods = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in methods.into_iter().flatten() {
            add(operation, path, &problems);
        }
    }
    (schemas, paths, router)
}

/// One response a status, with one example a problem code.
fn add(operation: &mut Operation, path: &str, kinds: &[&'static ProblemType]) {
    for kind in kinds {
        let status = kind.status.as_str();
        let same_status: Vec<_> = kinds.iter().filter(|other| other.status == kind.status).collect();
        let titles: Vec<_> = same_status.iter().map(|kind| kind.title).collect();
        let examples = same_status.iter().map(|kind| {
            (
                kind.code,
                RefOr::T(ExampleBuilder::new().summary(kind.title).value(Some(json!(example(kind, path)))).build()),
            )
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

fn example(kind: &'static ProblemType, path: &str) -> Problem {
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
    path.clone_into(&mut problem.instance);
    "0197a3c2-5b7e-7c40-8a51-3f0b6a9d2e11".clone_into(&mut problem.request_id);
    problem
}
