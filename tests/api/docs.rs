//! The OpenAPI document, the page that shows it, and the texts in `docs/`: they agree with the code.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use flate2::read::GzDecoder;
use http_body_util::BodyExt;
use serde_json::{Map, Value, json};
use unibooks::domain::ApiKeyScope;
use unibooks::router;
use unibooks::router::problem_types;

use crate::support::app::{Answer, App, PAYMENTS};

fn document() -> Value {
    serde_json::to_value(router::openapi()).expect("JSON")
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

async fn get(app: &App, path: &str) -> Answer {
    app.send(Request::get(path).body(Body::empty()).expect("a request")).await
}

#[test]
fn committed_openapi_document_is_fresh() {
    let generated = router::openapi().to_pretty_json().expect("JSON") + "\n";
    assert!(read("docs/openapi.json") == generated, "docs/openapi.json is stale: run `make openapi` and commit it");
}

#[tokio::test]
async fn served_openapi_document_is_the_committed_one() {
    let app = App::new().await;
    let answer = get(&app, "/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json(), document());
    assert!(document()["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
}

#[test]
fn operations_have_unique_ids_and_name_credentials() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("operations").values() {
            assert!(ids.insert(operation["operationId"].as_str().expect("an id").to_owned()), "{path}");
            let begins = |folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
            if begins(&["/accounting/", "/connections/"]) {
                let scope = &operation["security"][0]["api_key"][0];
                assert!(scope.as_str().is_some_and(|name| name.parse::<ApiKeyScope>().is_ok()), "{path}: {scope}");
                assert_eq!(operation["security"], json!([{ "api_key": [scope], "connection_token": [] }]), "{path}");
            } else if begins(&["/events", "/sync/", "/webhooks"]) {
                let alone = &operation["security"][0];
                let scope = &alone["api_key"][0];
                assert!(scope.as_str().is_some_and(|name| name.parse::<ApiKeyScope>().is_ok()), "{path}: {scope}");
                assert_eq!(*alone, json!({ "api_key": [scope] }), "{path}");
                let with_token = json!({ "api_key": [scope], "connection_token": [] });
                let others = operation["security"].as_array().expect("a list").iter().skip(1);
                assert!(others.into_iter().all(|other| *other == with_token), "{path}");
            } else {
                assert_eq!(operation["security"], Value::Null, "{path}");
            }
        }
    }
    assert_eq!(document["components"]["securitySchemes"]["api_key"]["name"], "x-api-key");
    assert_eq!(document["components"]["securitySchemes"]["connection_token"]["name"], "x-connection-token");
}

/// All problems in the document, as (status, code).
fn documented_problems(document: &Value) -> BTreeSet<(String, String)> {
    let mut problems = BTreeSet::new();
    let operations = document["paths"].as_object().expect("paths").values().filter_map(Value::as_object);
    for (status, response) in
        operations.flat_map(Map::values).flat_map(|operation| operation["responses"].as_object().expect("responses"))
    {
        let examples = &response["content"]["application/problem+json"]["examples"];
        for (code, example) in examples.as_object().into_iter().flatten() {
            let body = &example["value"];
            assert_eq!(body["code"], *code);
            assert_eq!(body["status"].to_string(), *status);
            problems.insert((status.clone(), code.clone()));
        }
        let is_success = status.starts_with('2');
        assert_eq!(is_success, examples.is_null(), "every failure has an example: {status}");
    }
    problems
}

#[test]
fn every_problem_is_in_the_document_with_an_example() {
    // No operation has these: they are answers to paths and methods that are not in the document.
    let elsewhere = ["route_not_found", "method_not_allowed"];
    let all = problem_types().into_iter().filter(|problem| !elsewhere.contains(&problem.code));
    let all: BTreeSet<_> = all.map(|problem| (problem.status.as_str().to_owned(), problem.code.to_owned())).collect();
    assert_eq!(documented_problems(&document()), all);
}

#[test]
fn every_problem_is_in_the_guide_with_its_status() {
    let guide = read("docs/api/errors.md");
    for problem in problem_types() {
        let code = format!("`{}`", problem.code);
        let line = guide.lines().find(|line| line.contains(&code) && line.contains(problem.status.as_str()));
        assert!(line.is_some(), "docs/api/errors.md has no line with {code} and {}", problem.status.as_str());
    }
}

/// Every code of a fault or a warning, read from the source.
fn detail_codes() -> BTreeSet<String> {
    fn walk(folder: &Path, texts: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                walk(&entry, texts);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                texts.push(fs::read_to_string(entry).expect("a text"));
            }
        }
    }
    let mut texts = Vec::new();
    walk(&file("src"), &mut texts);
    let mut codes = BTreeSet::new();
    for text in texts {
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for opening in ["ParseError::new( \"", "ParseError::new(\"", "code: \"", "warn(&self.at, \""] {
            let found = text.split(opening).skip(1).filter_map(|rest| rest.split('"').next());
            codes.extend(found.map(str::to_owned));
        }
        // The second argument, after a pointer.
        for arguments in text.split("Fault::new(").skip(1) {
            let code = arguments.split(", \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            let is_code = !code.is_empty() && code.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
            codes.extend(is_code.then(|| code.to_owned()));
        }
    }
    codes
}

#[test]
fn every_fault_and_warning_code_is_in_the_guide() {
    let codes = detail_codes();
    for known in [
        "wrong_type",
        "invalid_cursor",
        "date_too_fine",
        "refused_by_constraint",
        "unknown_parameter",
        "over_allocated",
    ] {
        assert!(codes.contains(known), "{known} was not found in the source: {codes:?}");
    }
    let guide = read("docs/api/errors.md") + &read("docs/api/payments.md");
    // At the command line and in rows of the database, not over HTTP.
    let command_line =
        ["invalid_label", "invalid_remote_id", "unknown_provider", "unknown_scope", "unknown_state", "unknown_status"];
    let missing: Vec<_> = codes
        .iter()
        .filter(|code| !command_line.contains(&&***code) && !guide.contains(&format!("`{code}`")))
        .collect();
    assert!(missing.is_empty(), "docs/api/ does not list {missing:?}");
}

/// The members of a schema, each with its example.
fn members(document: &Value, schema: &str) -> Map<String, Value> {
    let schema = &document["components"]["schemas"][schema];
    schema["properties"].as_object().unwrap_or_else(|| panic!("no members: {schema}")).clone()
}

/// A request body made of the examples in the schema.
fn documented_body(document: &Value) -> Value {
    let examples = |schema: &str| {
        let examples = members(document, schema).into_iter().filter(|(name, _)| name != "line_items");
        let example = |(name, member): (String, Value)| {
            let example = match &member["example"] {
                // The document has no example for members of a free-form object.
                Value::Null if name == "field_mappings" => json!({ "custom_field_1": "value1" }),
                example => example.clone(),
            };
            assert!(!example.is_null(), "{schema}.{name} has no example");
            (name, example)
        };
        examples.map(example).collect::<Map<_, _>>()
    };
    let mut body = examples("PaymentData");
    body.insert("line_items".to_owned(), json!([examples("LineItem")]));
    Value::Object(body)
}

#[tokio::test]
async fn documented_examples_are_accepted_and_answered() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let body = documented_body(&document());
    let answer = app.create(&tenant, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let created = answer.json();
    assert_eq!(created["warnings"], Value::Null, "every member is known");
    for (name, sent) in body.as_object().expect("an object") {
        assert_eq!(created[name], *sent, "{name}");
    }
    let read = app.get(&tenant, answer.header("location")).await.json();
    assert_eq!(read, created, "and is read like that");
}

#[tokio::test]
async fn answers_have_exactly_the_documented_members() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let document = document();
    let names = |object: &Value| object.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    let documented =
        |schema: &str| members(&document, schema).into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();

    let mut body = documented_body(&document);
    body["totl_amount"] = json!(1);
    let created = app.create(&tenant, &body).await.json();
    assert_eq!(names(&created), documented("Payment"), "with warnings");
    assert_eq!(names(&created["line_items"][0]), documented("PaymentLineItem"));
    assert_eq!(names(&created["warnings"][0]), documented("Warning"));

    let page = app.get(&tenant, PAYMENTS).await.json();
    let schema = &document["paths"][PAYMENTS]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    let schema = schema["$ref"].as_str().expect("a reference").rsplit('/').next().expect("a name");
    assert_eq!(names(&page), documented(schema));
    let mut entry = documented("Payment");
    entry.remove("warnings");
    assert_eq!(names(&page["data"][0]), entry);

    let mut problem = documented("Problem");
    problem.remove("payment_id");
    assert_eq!(names(&app.create(&tenant, &json!({ "currency": "EURO" })).await.json()), problem);
}

#[tokio::test]
async fn documentation_page_works_offline() {
    let app = App::new().await;
    let redirect = get(&app, "/docs").await;
    assert!(redirect.status.is_redirection(), "{}", redirect.status);
    assert_eq!(redirect.header("location"), "docs/", "beside `/docs`, also behind a prefix");
    let page = get(&app, "/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    let references: Vec<_> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|kind| page.text.split(kind).skip(1))
        .map(|rest| rest.split('"').next())
        .collect();
    assert!(references.len() >= 4, "{}", page.text);
    for reference in references.into_iter().flatten() {
        assert!(!reference.contains("//"), "{reference} lies on another host");
        let path = reference.trim_start_matches("./");
        let request = Request::get(format!("/docs/{path}")).body(Body::empty()).expect("a request");
        let answer = tower::ServiceExt::oneshot(app.router.clone(), request).await.expect("answered");
        assert_eq!(answer.status(), 200, "{reference}");
    }
    let initializer = get(&app, "/docs/swagger-initializer.js").await;
    assert!(!initializer.text.contains("http"), "{}", initializer.text);
    assert!(initializer.text.contains("\"../openapi.json\""), "{}", initializer.text);
    // Otherwise the page loads a badge from validator.swagger.io.
    assert!(initializer.text.contains("\"validatorUrl\": \"none\""), "{}", initializer.text);
}

/// `GET` with one more header.
async fn get_with(app: &App, path: &str, name: &str, value: &str) -> Response {
    let request = Request::get(path).header(name, value).body(Body::empty()).expect("a request");
    tower::ServiceExt::oneshot(app.router.clone(), request).await.expect("answered")
}

async fn bytes(response: Response) -> Vec<u8> {
    response.into_body().collect().await.expect("a body").to_bytes().to_vec()
}

#[tokio::test]
async fn documentation_page_loads_only_own_files_unframed() {
    let app = App::new().await;
    for path in ["/docs", "/docs/", "/docs/swagger-ui-bundle.js", "/docs/nothing"] {
        let answer = get(&app, path).await;
        let policy = answer.header("content-security-policy");
        for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    // The policy blocks scripts and styles inside the page.
    let page = get(&app, "/docs/").await.text;
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" on"), "{page}");
    assert_eq!(page.matches("<script").count(), page.matches("<script src=").count(), "{page}");
}

#[tokio::test]
async fn unknown_documentation_file_is_a_problem() {
    let app = App::new().await;
    assert_eq!(get(&app, "/docs/nothing.js").await.problem(), (404, "route_not_found".to_owned()));
}

#[tokio::test]
async fn documentation_is_compressed_if_accepted() {
    let app = App::new().await;
    for path in ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/openapi.json"] {
        let (plain, gzip) = (get(&app, path).await, get_with(&app, path, "accept-encoding", "br, gzip").await);
        assert!(!plain.headers.contains_key("content-encoding"), "{path}");
        assert_eq!(gzip.headers()["content-encoding"], "gzip", "{path}");
        assert_eq!(plain.header("vary"), "accept-encoding");
        assert_ne!(plain.header("etag"), gzip.headers()["etag"], "another form has another tag");
        let compressed = bytes(gzip).await;
        assert!(compressed.len() * 2 < plain.text.len(), "{path}: {} bytes", compressed.len());
        let mut text = String::new();
        GzDecoder::new(&compressed[..]).read_to_string(&mut text).expect("gzip");
        assert!(text == plain.text, "{path}");
    }
}

#[tokio::test]
async fn browsers_cache_documentation_but_not_payments() {
    let app = App::new().await;
    for (path, kept) in [("/docs/swagger-ui.css", "public, max-age=3600"), ("/openapi.json", "no-cache")] {
        let answer = get(&app, path).await;
        assert_eq!(answer.header("cache-control"), kept, "{path}");
        let known = format!("\"other\", W/{}", answer.header("etag"));
        let again = get_with(&app, path, "if-none-match", &known).await;
        assert_eq!(again.status(), 304, "{path}");
        assert_eq!(again.headers()["etag"], answer.header("etag"));
        assert_eq!(bytes(again).await, b"");
        assert_eq!(get_with(&app, path, "if-none-match", "\"other\"").await.status(), 200);
    }
    let tenant = app.tenant().await;
    let request = tenant.request("GET".parse().expect("a method"), PAYMENTS).header("accept-encoding", "gzip");
    let page = app.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-store"));
    for name in ["etag", "content-encoding", "vary"] {
        assert!(!page.headers.contains_key(name), "{name}");
    }
}
