//! No caller reaches data of another: every route, with everything foreign that a request can contain.

use axum::http::Method;
use serde_json::{Value, json};
use unibooks::auth::{Secret, secret};
use unibooks::router;
use uuid::Uuid;

use crate::accounting::references;
use crate::support::app::{Answer, App, CredentialOptions, PAYMENTS, Tenant};

/// The route, the foreign part of the request, and the status. The OpenAPI document decides which rows are needed: a new
/// route or parameter without a row fails the first test.
const ROWS: &[(&str, &str, u16)] = &[
    ("GET /", "nothing to own", 200),
    ("GET /accounting/payments", "key", 401),
    ("GET /accounting/payments", "token", 401),
    ("GET /accounting/payments", "cursor", 422),
    ("GET /accounting/payments", "filter account_id", 200),
    ("GET /accounting/payments", "filter contact_id", 200),
    ("GET /accounting/payments", "filter created_after", 200),
    ("GET /accounting/payments", "filter created_before", 200),
    ("GET /accounting/payments", "filter created_from", 200),
    ("GET /accounting/payments", "filter created_to", 200),
    ("GET /accounting/payments", "filter modified_from", 200),
    ("GET /accounting/payments", "filter modified_to", 200),
    ("GET /accounting/payments", "filter transaction_date_from", 200),
    ("GET /accounting/payments", "filter transaction_date_to", 200),
    ("GET /accounting/payments", "filter currency", 200),
    ("GET /accounting/payments", "filter idempotency_key", 200),
    ("GET /accounting/payments", "filter invoice_id", 200),
    ("GET /accounting/payments", "filter modified_after", 200),
    ("GET /accounting/payments", "filter modified_before", 200),
    ("GET /accounting/payments", "filter remote_id", 200),
    ("GET /accounting/payments", "filter remote_status", 200),
    ("GET /accounting/payments", "filter transaction_date_after", 200),
    ("GET /accounting/payments", "filter transaction_date_before", 200),
    ("GET /accounting/payments", "filter type", 200),
    ("GET /accounting/payments/{id}", "key", 401),
    ("GET /accounting/payments/{id}", "token", 401),
    ("GET /accounting/payments/{id}", "id", 404),
    ("GET /accounting/payments/{id}/remote", "key", 401),
    ("GET /accounting/payments/{id}/remote", "token", 401),
    ("GET /accounting/payments/{id}/remote", "id", 404),
    ("GET /connections/capabilities", "key", 401),
    ("GET /connections/capabilities", "token", 401),
    ("GET /health", "nothing to own", 200),
    ("GET /livez", "nothing to own", 200),
    ("GET /readyz", "nothing to own", 200),
    ("POST /accounting/payments", "key", 401),
    ("POST /accounting/payments", "token", 401),
    ("POST /accounting/payments", "idempotency key", 201),
];

/// Parameters that change the form of an answer or its time, not whose data it shows.
const NOT_OWNED: &[&str] = &["limit", "order", "prefer", "remote_data"];

/// Every route of the OpenAPI document, like `GET /health`, with its description there.
pub fn operations() -> Vec<(String, Value)> {
    let document = serde_json::to_value(router::openapi()).expect("JSON");
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            operations.push((format!("{} {path}", method.to_uppercase()), operation.clone()));
        }
    }
    operations
}

/// Whether a route requires a key and a token.
pub fn is_guarded(operation: &Value) -> bool {
    operation["security"].as_array().is_some_and(|schemes| !schemes.is_empty())
}

/// Whether a route can be called with a key alone. `webhooks/isolation.rs` has its rows.
pub fn is_key_only(operation: &Value) -> bool {
    let schemes = operation["security"].as_array();
    schemes.is_some_and(|all| all.iter().any(|one| one.get("connection_token").is_none()))
}

fn demanded_rows() -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (route, operation) in operations().into_iter().filter(|(_, operation)| !is_key_only(operation)) {
        let mut row = |what: &str| rows.push((route.clone(), what.to_owned()));
        if !is_guarded(&operation) {
            row("nothing to own");
            continue;
        }
        row("key");
        row("token");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            match (parameter["in"].as_str().expect("a place"), name) {
                ("header", "idempotency-key") => row("idempotency key"),
                ("query", "cursor") => row("cursor"),
                ("query" | "header", name) if NOT_OWNED.contains(&name) => {}
                ("query", name) => row(&format!("filter {name}")),
                (_, name) => row(name),
            }
        }
    }
    rows.sort();
    rows
}

#[test]
fn every_route_and_parameter_has_its_row() {
    let rows = ROWS.iter().map(|(route, what, _)| ((*route).to_owned(), (*what).to_owned()));
    let mut rows: Vec<_> = rows.chain(references::isolation::rows()).collect();
    rows.sort();
    assert_eq!(rows, demanded_rows());
}

/// A tenant with payments, their ids, and a cursor of its list. No other tenant may see them.
pub struct Owner {
    pub tenant: Tenant,
    /// The newest payment: each member under the name of its filter.
    pub payment: Value,
    /// The request that created the newest payment.
    pub request: Value,
    pub ids: Vec<String>,
    pub cursor: String,
}

const KEY: &str = "owner-key";

impl Owner {
    pub async fn new(app: &App, tenant: Tenant, currency: &str) -> Self {
        let (mut payment, mut request) = (Value::Null, Value::Null);
        let mut ids = Vec::new();
        for index in 0..2 {
            request = json!({
                "invoice_id": Uuid::now_v7(), "contact_id": Uuid::now_v7(), "account_id": Uuid::now_v7(),
                "transaction_date": "2020-02-02", "currency": currency, "type": format!("of {currency}"),
                "line_items": [{ "name": format!("line of {currency}") }],
            });
            let key = format!("{KEY} {currency} {index}");
            payment = app.create_under(&tenant, &key, &request).await.json();
            payment["idempotency_key"] = json!(key);
            ids.push(payment["id"].as_str().expect("an id").to_owned());
        }
        let mut connection = app.connect().await;
        let set = "update payment set remote_id = 'remote ' || currency,
                                      remote_status = case when currency = 'EUR' then 'applied' else 'rejected' end
                   where connection_id = $1";
        sqlx::query(set).bind(tenant.connection_id.0).execute(&mut connection).await.expect("set");
        payment["remote_id"] = json!(format!("remote {currency}"));
        payment["remote_status"] = json!(if currency == "EUR" { "applied" } else { "rejected" });
        let page = app.get(&tenant, &format!("{PAYMENTS}?limit=1")).await.json();
        let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
        Self { tenant, payment, request, ids, cursor }
    }

    pub fn newest(&self) -> &str {
        self.ids.last().expect("two payments")
    }
}

pub fn never_stored(kind: secret::Kind) -> String {
    Secret::generate(kind, &mut rand::rng()).expose().to_owned()
}

/// The value with which a filter finds this payment.
fn value_of(filter: &str, payment: &Value) -> String {
    let member = match filter {
        name if name.ends_with("_after") || name.ends_with("_from") => return "1999-01-01".to_owned(),
        name if name.ends_with("_before") || name.ends_with("_to") => return "2999-01-01".to_owned(),
        exact => exact,
    };
    payment[member].as_str().unwrap_or_else(|| panic!("the owner's payment has no {member}")).replace(' ', "%20")
}

/// Sends one request as `tenant`. A create call has exactly the owner's body.
async fn send(app: &App, route: &str, tenant: &Tenant, path: &str, key: Option<&str>, body: &Value) -> Answer {
    if route.starts_with("POST") {
        let headers: Vec<_> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
        return app.create_with(tenant, &headers, body.to_string()).await;
    }
    app.send(tenant.request(Method::GET, path).body(axum::body::Body::empty()).expect("a request")).await
}

/// Two answers: to a request with something foreign, and to the same request with something that does not exist.
async fn attempt(app: &App, route: &str, what: &str, attacker: &Owner, owner: &Owner) -> (Answer, Answer) {
    let mine = &attacker.tenant;
    let path = route.split_once(' ').expect("a route").1.replace("{id}", attacker.newest());
    let body = json!({ "currency": owner.payment["currency"], "type": owner.payment["type"] });
    let (foreign, unknown) = match what {
        // The owner's key belongs to the owner's project, where the attacker's token does not exist.
        "key" => {
            let tenant = Tenant { api_key: owner.tenant.api_key.clone(), ..mine.clone() };
            let connection_token = never_stored(secret::Kind::ConnectionToken);
            let unknown = Tenant { connection_token, ..tenant.clone() };
            ((tenant, path.clone(), None), (unknown, path, None))
        }
        "token" => {
            let tenant = Tenant { connection_token: owner.tenant.connection_token.clone(), ..mine.clone() };
            let connection_token = never_stored(secret::Kind::ConnectionToken);
            ((tenant, path.clone(), None), (Tenant { connection_token, ..mine.clone() }, path, None))
        }
        "id" => {
            let with = |id: &str| (mine.clone(), path.replace(attacker.newest(), id), None);
            (with(owner.newest()), with(&Uuid::now_v7().to_string()))
        }
        // A cursor of any other list gets the same answer.
        "cursor" => {
            let with = |filter: &str, cursor: &str| (mine.clone(), format!("{path}?{filter}cursor={cursor}"), None);
            (with("", &owner.cursor), with("currency=XXX&", &attacker.cursor))
        }
        "idempotency key" => {
            let key = owner.payment["idempotency_key"].as_str().expect("a key").to_owned();
            ((mine.clone(), path.clone(), Some(key)), (mine.clone(), path, Some("never used".to_owned())))
        }
        "nothing to own" => {
            let unknown = Tenant { api_key: never_stored(secret::Kind::ApiKey), ..mine.clone() };
            ((owner.tenant.clone(), path.clone(), None), (unknown, path, None))
        }
        filter => {
            let filter = filter.strip_prefix("filter ").unwrap_or_else(|| panic!("no attempt for {filter}"));
            let value = value_of(filter, &owner.payment);
            // A text, id or key that does not exist. For a time there is no such value.
            let other = match filter {
                "currency" => "XXX".to_owned(),
                "remote_status" => "voided".to_owned(),
                name if name.ends_with("_id") && name != "remote_id" => Uuid::now_v7().to_string(),
                name if ["_after", "_before", "_from", "_to"].iter().any(|end| name.ends_with(end)) => value.clone(),
                _ => "never used".replace(' ', "%20"),
            };
            let with = |value: &str| (mine.clone(), format!("{path}?{filter}={value}"), None);
            (with(&value), with(&other))
        }
    };
    let foreign = send(app, route, &foreign.0, &foreign.1, foreign.2.as_deref(), &body).await;
    (foreign, send(app, route, &unknown.0, &unknown.1, unknown.2.as_deref(), &body).await)
}

/// The parts of an answer that could distinguish two cases.
pub fn distinguishing_parts(answer: &Answer) -> (u16, Vec<String>, Value) {
    // `idempotency-key` repeats the request's own header.
    let own = ["x-request-id", "server-timing", "location", "idempotency-key"];
    let headers = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")));
    let mut headers: Vec<_> = headers.collect();
    headers.sort();
    let mut body = serde_json::from_str(&answer.text).unwrap_or_else(|_| json!({ "text": answer.text }));
    if let Some(body) = body.as_object_mut() {
        for name in ["request_id", "instance", "id", "created_at", "modified_at"] {
            body.remove(name);
        }
    }
    (answer.status.as_u16(), headers, body)
}

fn assert_reveals_nothing_of(owner: &Owner, answer: &Answer, row: &str) {
    let mut body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    // `instance` repeats the request's own path.
    body.as_object_mut().and_then(|body| body.remove("instance"));
    let body = if body.is_object() { body.to_string() } else { answer.text.clone() };
    for secret in owner.ids.iter().map(String::as_str).chain([
        owner.payment["line_items"][0]["name"].as_str().expect("a name"),
        &owner.tenant.connection_id.to_string(),
        &owner.tenant.connection_token,
        &owner.tenant.api_key,
    ]) {
        assert!(!body.contains(secret), "{row} reveals {secret}: {body}");
    }
}

async fn try_rows(app: &App, attacker: &Owner, owner: &Owner, rows: &[(&str, &str, u16)]) {
    let before = app.get(&owner.tenant, PAYMENTS).await.text;
    for (route, what, status) in rows {
        let row = format!("{route} with a foreign {what}");
        let (foreign, unknown) = attempt(app, route, what, attacker, owner).await;
        assert_eq!(foreign.status.as_u16(), *status, "{row}: {}", foreign.text);
        assert_eq!(
            distinguishing_parts(&foreign),
            distinguishing_parts(&unknown),
            "{row} differs from the answer for an unknown one"
        );
        assert_reveals_nothing_of(owner, &foreign, &row);
        assert!(!foreign.headers.contains_key("idempotent-replayed"), "{row} replays");
    }
    assert_eq!(app.get(&owner.tenant, PAYMENTS).await.text, before, "the owner's payments are as they were");
}

#[tokio::test]
async fn another_project_is_like_one_that_does_not_exist() {
    let app = App::new().await;
    let owner = Owner::new(&app, app.tenant().await, "EUR").await;
    let attacker = Owner::new(&app, app.tenant().await, "JPY").await;
    try_rows(&app, &attacker, &owner, ROWS).await;
}

#[tokio::test]
async fn another_connection_of_the_project_is_as_foreign() {
    let app = App::new().await;
    let first = app.tenant().await;
    let (connection_id, connection_token) = app.connection(first.project_id, CredentialOptions::default()).await;
    let second = Tenant { connection_id, connection_token, ..first.clone() };
    let owner = Owner::new(&app, first, "EUR").await;
    let attacker = Owner::new(&app, second, "JPY").await;
    // The key belongs to the project, so it works with the tokens of both connections.
    let rows: Vec<_> = ROWS.iter().filter(|(_, what, _)| !["key", "token"].contains(what)).copied().collect();
    try_rows(&app, &attacker, &owner, &rows).await;
}

/// Also holds for a build in which a query forgets its tenant: `scripts/mutants.py` tries each query.
#[tokio::test]
async fn no_foreign_row_is_shown_even_by_a_broken_query() {
    let app = App::new().await;
    let owner = Owner::new(&app, app.tenant().await, "EUR").await;
    let attacker = app.tenant().await;
    let key = owner.payment["idempotency_key"].as_str().expect("a key");
    let newest = app.create(&attacker, &json!({})).await.json()["id"].as_str().expect("an id").to_owned();
    for attempt in ["the first", "a repetition"] {
        assert_reveals_nothing_of(&owner, &app.create_under(&attacker, key, &json!({})).await, attempt);
    }
    let filters = ["limit=1".to_owned(), format!("idempotency_key={}", key.replace(' ', "%20"))];
    let filters = filters.into_iter().chain(
        ["invoice_id", "contact_id", "remote_id", "currency"]
            .map(|filter| format!("{filter}={}", value_of(filter, &owner.payment))),
    );
    let lists = filters.map(|filter| format!("{PAYMENTS}?{filter}"));
    for path in lists.chain([format!("{PAYMENTS}/{}", owner.newest()), format!("{PAYMENTS}/{newest}")]) {
        assert_reveals_nothing_of(&owner, &app.get(&attacker, &path).await, &path);
    }
}

/// Two ids are never equal by chance, but isolation must not depend on that.
#[tokio::test]
async fn payments_of_two_connections_with_one_id_stay_apart() {
    let app = App::new().await;
    let (mine, other) = (app.tenant().await, app.tenant().await);
    let body = json!({ "type": "mine", "line_items": [{ "name": "mine" }] });
    let first = app.create_under(&mine, "first", &body).await.json();
    // More line items than one payment's share of a page of 200, so the second statement runs.
    let body = json!({ "type": "mine", "line_items": vec![json!({ "name": "mine" }); 11] });
    let payment = app.create_under(&mine, KEY, &body).await.json();
    let id = payment["id"].as_str().expect("an id");
    let mut connection = app.connect().await;
    // The first fits into its share of a page even with the other's line item: the second statement does not run.
    for (payment, last) in [(&first, 0), (&payment, 1_999)] {
        sqlx::query(
            "with copy as (
                 insert into payment (connection_id, id, created_at, modified_at, type)
                 select $1, id, created_at, modified_at, 'other' from payment where id = $2::uuid
                 returning connection_id, id
             )
             insert into payment_line_item (connection_id, payment_id, position, name, created_at, modified_at)
             select connection_id, id, n, case n when 0 then 'other' else repeat('x', 1024) end, now(), now()
             from copy, generate_series(0, $3) n",
        )
        .bind(other.connection_id.0)
        .bind(payment["id"].as_str())
        .bind(last)
        .execute(&mut connection)
        .await
        .expect("copied");
    }
    assert_eq!(app.get(&mine, &format!("{PAYMENTS}/{id}")).await.json(), payment);
    assert_eq!(app.create_under(&mine, KEY, &body).await.json(), payment);
    assert_eq!(app.get(&mine, &format!("{PAYMENTS}?idempotency_key=first")).await.json()["data"], json!([first]));
    assert_eq!(app.get(&mine, PAYMENTS).await.json()["data"], json!([first, payment]));
    assert_eq!(app.get(&mine, &format!("{PAYMENTS}?limit=200")).await.json()["data"], json!([first, payment]));
    let page = app.get(&other, &format!("{PAYMENTS}?limit=200")).await.json();
    assert_eq!(page["data"][0]["type"], "other");
    let others = app.get(&other, &format!("{PAYMENTS}/{id}")).await.json();
    assert_eq!((&others["type"], &others["line_items"][0]["name"]), (&json!("other"), &json!("other")));
}

#[tokio::test]
async fn key_of_two_connections_finds_a_payment_in_each() {
    let app = App::new().await;
    let (one, other) = (app.tenant().await, app.tenant().await);
    let body = json!({ "type": "the same" });
    let first = (app.create_under(&one, KEY, &body).await.json(), app.create_under(&other, KEY, &body).await.json());
    assert_ne!(first.0["id"], first.1["id"]);
    let again = (app.create_under(&one, KEY, &body).await.json(), app.create_under(&other, KEY, &body).await.json());
    assert_eq!(first, again);
}
