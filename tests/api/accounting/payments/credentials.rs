//! Authentication of every route, with every kind of key and token, for the caller's own data and for another's.

use axum::http::Method;
use axum::http::request::Builder;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use unibooks::auth::secret;
use unibooks::domain::{ApiKeyScope, ApiKeyScopes};

use super::isolation::{Owner, is_guarded, is_key_only, never_stored, operations};
use crate::support::app::{Answer, App, CredentialOptions, PAYMENTS};

const TOKENS: [&str; 7] = ["none", "malformed", "unknown", "foreign", "revoked", "expired", "good"];

/// For each key, the answer behind each of [`TOKENS`]: `in`; a scope (in where the route needs it, else 403); `owner` (in,
/// as the other tenant, to whom key and token belong); or the status of the refusal.
const TABLE: &[(&str, [&str; 7])] = &[
    ("none", ["401", "401", "401", "401", "401", "401", "401"]),
    ("malformed", ["401", "401", "401", "401", "401", "401", "401"]),
    ("unknown", ["401", "401", "401", "401", "401", "401", "401"]),
    ("foreign", ["401", "401", "401", "owner", "401", "401", "401"]),
    ("revoked", ["401", "401", "401", "401", "401", "401", "401"]),
    ("expired", ["401", "401", "401", "401", "401", "401", "401"]),
    ("read-only", ["401", "401", "401", "401", "401", "401", "payments:read"]),
    ("write-only", ["401", "401", "401", "401", "401", "401", "payments:write"]),
    ("without payments", ["401", "401", "401", "401", "401", "401", "others"]),
    ("good", ["401", "401", "401", "401", "401", "401", "in"]),
];

/// The scope that a route needs, and its answers about what is the caller's own and what is another's. A new route
/// without its row fails.
const ROUTES: &[(&str, &str, u16, u16)] = &[
    ("GET /accounting/payments", "payments:read", 200, 422),
    ("GET /accounting/payments/{id}", "payments:read", 200, 404),
    ("GET /accounting/payments/{id}/remote", "payments:read", 200, 404),
    // It names nothing of another's.
    ("GET /connections/capabilities", "payments:read", 200, 200),
    // What the software has is in the tables of references/isolation.rs; here no connection has any.
    ("GET /accounting/accountingperiods", "accounting:read", 200, 200),
    ("GET /accounting/accountingperiods/{id}", "accounting:read", 404, 404),
    ("GET /accounting/accounts", "accounting:read", 200, 200),
    ("GET /accounting/accounts/{id}", "accounting:read", 404, 404),
    ("GET /accounting/companyinfos", "accounting:read", 200, 200),
    ("GET /accounting/companyinfos/{id}", "accounting:read", 404, 404),
    ("GET /accounting/contacts", "accounting:read", 200, 200),
    ("GET /accounting/contacts/{id}", "accounting:read", 404, 404),
    ("GET /accounting/invoices", "accounting:read", 200, 200),
    ("GET /accounting/invoices/{id}", "accounting:read", 404, 404),
    ("GET /accounting/trackingcategories", "accounting:read", 200, 200),
    ("GET /accounting/trackingcategories/{id}", "accounting:read", 404, 404),
    // Another's idempotency key is as free as any other.
    ("POST /accounting/payments", "payments:write", 201, 201),
];

#[test]
fn every_guarded_route_has_its_row_and_scope() {
    let mut rows: Vec<_> = ROUTES.iter().map(|(route, scope, ..)| ((*route).to_owned(), json!([scope]))).collect();
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut guarded: Vec<_> =
        operations().into_iter().filter(|(_, operation)| is_guarded(operation) && !is_key_only(operation)).collect();
    guarded.sort_by(|(one, _), (other, _)| one.cmp(other));
    let scope = |operation: &Value| operation["security"][0]["api_key"].clone();
    assert_eq!(rows, guarded.iter().map(|(route, operation)| (route.clone(), scope(operation))).collect::<Vec<_>>());
}

/// A key and a token of each kind, by name. All but the foreign ones belong to the caller.
async fn secrets(app: &App, caller: &Owner, owner: &Owner) -> [Vec<(&'static str, Option<String>)>; 2] {
    let project = caller.tenant.project_id;
    let past: DateTime<Utc> = "2020-01-01T00:00:00Z".parse().expect("a time");
    let expired = CredentialOptions { expires_at: Some(past), ..CredentialOptions::default() };
    let with = |scopes| CredentialOptions { scopes, ..CredentialOptions::default() };
    let write_only = ApiKeyScopes::of_names(["payments:write"]);
    let all = || with(ApiKeyScope::ALL.iter().copied().collect());
    let no_payments = ApiKeyScope::ALL.iter().copied().filter(|scope| !scope.as_str().starts_with("payments:"));
    let cut_off = |secret: &str| secret[..secret.len() - 1].to_owned();

    let (revoked_id, revoked_key) = app.key(project, CredentialOptions::default()).await;
    app.revoke_key(revoked_id).await;
    let keys = vec![
        ("none", None),
        ("malformed", Some(cut_off(&caller.tenant.api_key))),
        ("unknown", Some(never_stored(secret::Kind::ApiKey))),
        ("foreign", Some(app.key(owner.tenant.project_id, all()).await.1)),
        ("revoked", Some(revoked_key)),
        ("expired", Some(app.key(project, expired).await.1)),
        ("read-only", Some(app.key(project, with(ApiKeyScopes::PAYMENTS_READ)).await.1)),
        ("write-only", Some(app.key(project, with(write_only)).await.1)),
        ("without payments", Some(app.key(project, with(no_payments.collect())).await.1)),
        ("good", Some(app.key(project, all()).await.1)),
    ];
    let (revoked_id, revoked_token) = app.connection(project, CredentialOptions::default()).await;
    app.revoke_connection(revoked_id).await;
    let tokens = vec![
        ("none", None),
        ("malformed", Some(cut_off(&caller.tenant.connection_token))),
        ("unknown", Some(never_stored(secret::Kind::ConnectionToken))),
        ("foreign", Some(owner.tenant.connection_token.clone())),
        ("revoked", Some(revoked_token)),
        ("expired", Some(app.connection(project, expired).await.1)),
        ("good", Some(caller.tenant.connection_token.clone())),
    ];
    [keys, tokens]
}

/// Sends a request about data of `whose`.
async fn ask(app: &App, route: &str, whose: &Owner, key: Option<&str>, token: Option<&str>) -> Answer {
    let with_secrets = |method: Method, path: &str| -> Builder {
        let mut request = axum::http::Request::builder().method(method).uri(path);
        for (name, secret) in [("x-api-key", key), ("x-connection-token", token)] {
            if let Some(secret) = secret {
                request = request.header(name, secret);
            }
        }
        request
    };
    let request = match route {
        "GET /accounting/payments" => {
            with_secrets(Method::GET, &format!("{PAYMENTS}?cursor={}", whose.cursor)).body(axum::body::Body::empty())
        }
        "POST /accounting/payments" => {
            let key = whose.payment["idempotency_key"].as_str().expect("a key");
            let request = with_secrets(Method::POST, PAYMENTS).header("content-type", "application/json");
            request.header("idempotency-key", key).body(whose.request.to_string().into())
        }
        other => {
            let path = other.strip_prefix("GET ").expect("another method needs its request");
            with_secrets(Method::GET, &path.replace("{id}", whose.newest())).body(axum::body::Body::empty())
        }
    };
    app.send(request.expect("a request")).await
}

/// The body of a refusal without `instance`, which repeats the request.
fn body_without_instance(refusal: &Answer) -> String {
    let mut body = refusal.json();
    body.as_object_mut().expect("an object").remove("instance");
    body.to_string()
}

#[tokio::test]
async fn every_pair_of_secrets_gets_the_answer_of_the_table() {
    let app = App::new().await;
    let owner = Owner::new(&app, app.tenant().await, "EUR").await;
    let caller = Owner::new(&app, app.tenant().await, "JPY").await;
    let [keys, tokens] = secrets(&app, &caller, &owner).await;
    assert_eq!(tokens.iter().map(|(name, _)| *name).collect::<Vec<_>>(), TOKENS);
    assert_eq!(
        keys.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        TABLE.iter().map(|(name, _)| *name).collect::<Vec<_>>()
    );

    for (route, scope, own, foreign) in ROUTES {
        for ((key_name, key), (_, row)) in keys.iter().zip(TABLE) {
            for ((token_name, token), cell) in tokens.iter().zip(row) {
                for (whose, wanted, to_the_owner) in [(&caller, *own, *foreign), (&owner, *foreign, *own)] {
                    let stored = app.count().await;
                    let answer = ask(&app, route, whose, key.as_deref(), token.as_deref()).await;
                    let wanted = match *cell {
                        "in" => wanted,
                        "owner" => to_the_owner,
                        has if has == *scope => wanted,
                        "others" if scope.starts_with("payments:") => 403,
                        "others" => wanted,
                        has if has.contains(':') => 403,
                        refusal => refusal.parse().expect("a status"),
                    };
                    let case = format!("{route}, key {key_name}, token {token_name}: {}", json!(answer.text));
                    assert_eq!(answer.status.as_u16(), wanted, "{case}");
                    if wanted == 403 {
                        let code = if *key_name == "read-only" && *scope == "payments:write" {
                            "read_only_key"
                        } else {
                            "missing_scope"
                        };
                        assert_eq!(answer.problem().1, code, "{case}");
                        assert!(answer.text.contains(&format!("`{scope}`")), "{case}");
                    }
                    if !answer.status.is_success() {
                        assert_eq!(app.count().await, stored, "{case}");
                        let refusal = body_without_instance(&answer);
                        assert!(!caller.ids.iter().chain(&owner.ids).any(|id| refusal.contains(id)), "{case}");
                    }
                }
            }
        }
    }
}
