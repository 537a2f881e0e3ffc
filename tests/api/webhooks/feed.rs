//! `GET /webhooks/events`

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use unibooks::domain::ApiKeyScopes;

use crate::support::app::{Answer, App, CredentialOptions, PAYMENTS, Tenant, page_example, small_payment};

pub const EVENTS: &str = "/webhooks/events";

/// A tenant whose key may read events. There are none yet.
pub async fn reader(app: &App) -> Tenant {
    let scopes = ApiKeyScopes::of_names(["payments:read", "payments:write", "webhooks:read"]);
    let key = CredentialOptions { scopes, ..CredentialOptions::default() };
    let tenant = app.tenant_like(key, CredentialOptions::default()).await;
    app.forget_events().await;
    tenant
}

/// `GET` with the key alone.
pub async fn get_by_key(app: &App, tenant: &Tenant, path: &str) -> Answer {
    let request = Request::builder().method(Method::GET).uri(path).header("x-api-key", &tenant.api_key);
    app.send(request.body(Body::empty()).expect("a request")).await
}

/// A page of the project's feed, which must be answered.
pub async fn page(app: &App, tenant: &Tenant, query: &str) -> Value {
    let answer = get_by_key(app, tenant, &format!("{EVENTS}?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

pub fn events(page: &Value) -> Vec<Value> {
    page["data"].as_array().expect("events").clone()
}

#[tokio::test]
async fn created_payment_is_an_event_with_what_the_read_call_answers() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    let created = app.create(&tenant, &page_example()).await.json();
    let [event] = <[Value; 1]>::try_from(events(&page(&app, &tenant, "type=accounting.*").await)).expect("one event");
    assert_eq!(event["type"], "accounting.payment.created");
    assert_eq!(event["id_connection"], tenant.connection_id.to_string());
    assert_eq!(event["timestamp"], created["created_at"]);
    let read = app.get(&tenant, &format!("{PAYMENTS}/{}", created["id"].as_str().expect("an id"))).await;
    assert_eq!(event["data"], read.json());
    insta::assert_json_snapshot!(event.as_object().expect("an object").keys().collect::<Vec<_>>(), @r#"
    [
      "data",
      "id_connection",
      "id_event",
      "timestamp",
      "type"
    ]
    "#);
}

#[tokio::test]
async fn body_of_an_event_has_its_members_in_the_order_of_names() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    let body = r#"{"exchange_rate": "1.10", "field_mappings": {"b": 1.10, "a": 1e2}}"#;
    assert_eq!(app.create_with(&tenant, &[], body).await.status, 201);
    let answer = get_by_key(&app, &tenant, EVENTS).await;
    let data = answer.text.find(r#"{"data":{"account_id":null,"accounting_period_id":null"#);
    assert!(data.is_some(), "{}", answer.text);
    assert!(answer.text.contains(r#""field_mappings":{"a":1e2,"b":1.10}"#), "digits stay: {}", answer.text);
}

#[tokio::test]
async fn repeated_create_call_is_no_second_event() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    for _ in 0..3 {
        assert_eq!(app.create_under(&tenant, "order-1", &small_payment()).await.status, 201);
    }
    assert_eq!(app.create(&tenant, &json!({"currency": "no code"})).await.status, 422);
    assert_eq!(events(&page(&app, &tenant, "").await).len(), 1);
}

#[tokio::test]
async fn followed_cursor_leads_through_all_events_once() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    let mut created = Vec::new();
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    for round in 0..3 {
        for amount in 0..5 {
            let body = json!({"total_amount": round * 10 + amount, "currency": "EUR"});
            created.push(app.create(&tenant, &body).await.json()["id"].clone());
        }
        loop {
            let from = cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page = page(&app, &tenant, &format!("limit=2{from}")).await;
            seen.extend(events(&page).iter().map(|event| event["data"]["id"].clone()));
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if page["has_more"] == false {
                break;
            }
        }
    }
    assert_eq!(seen, created);
    let cursor = cursor.expect("a cursor");
    let end = page(&app, &tenant, &format!("cursor={cursor}")).await;
    assert_eq!((&end["data"], &end["next_cursor"]), (&json!([]), &json!(cursor)), "the cursor of the end stays");
}

#[tokio::test]
async fn token_narrows_the_feed_to_its_connection() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    let (connection_id, connection_token) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    let second = Tenant { connection_id, connection_token, ..tenant.clone() };
    let ids = [
        app.create(&tenant, &json!({"total_amount": 1})).await.json()["id"].clone(),
        app.create(&second, &json!({"total_amount": 2})).await.json()["id"].clone(),
    ];
    let of = |page: &Value| {
        events(page)
            .iter()
            .filter(|event| event["type"] == "accounting.payment.created")
            .map(|event| event["data"]["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&page(&app, &tenant, "").await), ids);
    for (tenant, id) in [&tenant, &second].into_iter().zip(&ids) {
        assert_eq!(of(&app.get(tenant, EVENTS).await.json()), std::slice::from_ref(id));
    }
}

#[tokio::test]
async fn feed_shows_nothing_of_another_project() {
    let app = App::new().await;
    let (tenant, other) = (reader(&app).await, reader(&app).await);
    app.create(&other, &small_payment()).await;
    let theirs = page(&app, &other, "type=accounting.*").await;
    assert_eq!(events(&theirs).len(), 1);
    assert_eq!(events(&page(&app, &tenant, "type=accounting.*").await), Vec::<Value>::new());
    let cursor = theirs["next_cursor"].as_str().expect("a cursor");
    let refused = get_by_key(&app, &tenant, &format!("{EVENTS}?cursor={cursor}")).await;
    assert_eq!(refused.problem(), (422, "invalid_query".to_owned()));
    assert_eq!(refused.faults(), [("cursor".to_owned(), "invalid_cursor".to_owned())]);
}

#[tokio::test]
async fn filters_choose_events_by_type_and_time() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    let first = app.create(&tenant, &small_payment()).await.json();
    let second = app.create(&tenant, &small_payment()).await.json();
    let ids = |page: &Value| events(page).iter().map(|event| event["data"]["id"].clone()).collect::<Vec<_>>();
    for all in ["type=*", "type=accounting.payment.*", "type=sync.*,accounting.payment.created"] {
        let found = ids(&page(&app, &tenant, &format!("{all}&created_after=2020-01-01")).await);
        assert!(found.ends_with(&[first["id"].clone(), second["id"].clone()]), "{all}: {found:?}");
    }
    assert_eq!(events(&page(&app, &tenant, "type=sync.*").await), Vec::<Value>::new());
    let after = first["created_at"].as_str().expect("a time");
    let later = page(&app, &tenant, &format!("type=accounting.*&created_after={after}")).await;
    assert_eq!(ids(&later), [second["id"].clone()]);
    let wrong = get_by_key(&app, &tenant, &format!("{EVENTS}?type=payment.created&created_after=x&cursor=1")).await;
    let mut places: Vec<_> = wrong.faults().into_iter().map(|(place, _)| place).collect();
    places.sort();
    assert_eq!((wrong.status.as_u16(), places), (422, ["created_after", "cursor", "type"].map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn feed_needs_a_key_with_its_scope() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    assert_eq!(get_by_key(&app, &tenant, EVENTS).await.problem(), (403, "missing_scope".to_owned()));
    let unknown = Tenant { api_key: tenant.connection_token.clone(), ..tenant.clone() };
    assert_eq!(get_by_key(&app, &unknown, EVENTS).await.problem().0, 401);
    // A token that was sent is checked, although none is needed.
    let allowed = reader(&app).await;
    let foreign = Tenant { connection_token: tenant.connection_token.clone(), ..allowed.clone() };
    assert_eq!(app.get(&foreign, EVENTS).await.problem(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn key_that_is_revoked_reads_no_events() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    assert_eq!(get_by_key(&app, &tenant, EVENTS).await.status, 200);
    app.revoke_key(tenant.api_key_id).await;
    crate::support::wait::until("the key is refused", async || get_by_key(&app, &tenant, EVENTS).await.status == 401)
        .await;
}
