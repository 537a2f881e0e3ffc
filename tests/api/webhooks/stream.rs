//! `GET /webhooks/events/stream`

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Request};
use futures_util::StreamExt;
use serde_json::{Value, json};
use sqlx::Executor;
use unibooks::config::ServerSettings;
use unibooks::domain::Clock;

use super::feed::{EVENTS, events, get_by_key, page, reader};
use crate::support::app::{App, CredentialOptions, Tenant, unlimited};
use crate::support::postgres;

/// A field of a message, with its text.
type Field = (String, String);

/// An open stream, read as WHATWG HTML section 9.2.6 says.
struct Stream {
    body: BodyDataStream,
    text: String,
    last_id: String,
}

impl Stream {
    /// Opens a stream with the key alone; `last_id` is the header `Last-Event-ID`.
    async fn open(app: &App, tenant: &Tenant, query: &str, last_id: Option<&str>) -> Self {
        let mut request =
            Request::builder().uri(format!("{EVENTS}/stream?{query}")).header("x-api-key", &tenant.api_key);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        Self::of(app, request.body(Body::empty()).expect("a request")).await
    }

    async fn of(app: &App, request: Request<Body>) -> Self {
        let response = app.open(request).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().expect("a value"))
        );
        let mut stream =
            Self { body: response.into_body().into_data_stream(), text: String::new(), last_id: String::new() };
        let first = stream.message().await.expect("its position");
        assert_eq!((first.len(), first[0].0.as_str()), (2, "retry"), "{first:?}");
        stream
    }

    /// The fields of the next message; `None` at the end.
    async fn message(&mut self) -> Option<Vec<Field>> {
        loop {
            if let Some(length) = self.text.find("\n\n") {
                let field = |line: &str| {
                    let (name, text) = line.split_once(": ").expect("a field");
                    (name.to_owned(), text.to_owned())
                };
                let message: String = self.text.drain(..length + 2).collect();
                let fields: Vec<_> = message.trim_end().lines().map(field).collect();
                let id = fields.iter().find(|(name, _)| name == "id").expect("every message has an id");
                self.last_id.clone_from(&id.1);
                return Some(fields);
            }
            let read = tokio::time::timeout(Duration::from_mins(1), self.body.next());
            let bytes = read.await.expect("the stream goes on")?.expect("bytes");
            self.text.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
    }

    /// The next event, whose fields must agree with each other.
    async fn event(&mut self) -> Value {
        let fields = self.message().await.expect("a message");
        let [id, kind, data] = &fields[..] else { panic!("no event: {fields:?}") };
        let event: Value = serde_json::from_str(&data.1).expect("JSON");
        assert_eq!([&id.0, &kind.0, &data.0], ["id", "event", "data"]);
        assert_eq!((&event["id_event"], &event["type"]), (&json!(id.1), &json!(kind.1)));
        event
    }

    /// The ids of the payments of the next events.
    async fn payments(&mut self, count: usize) -> Vec<Value> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(self.event().await["data"]["id"].clone());
        }
        ids
    }
}

/// A server that follows the feeds of its streams.
fn streaming(app: App) -> App {
    tokio::spawn(app.streams.clone().run(std::future::pending()));
    app
}

/// Creates payments, and returns their ids.
async fn create(app: &App, tenant: &Tenant, amounts: std::ops::Range<u32>) -> Vec<Value> {
    let mut ids = Vec::new();
    for amount in amounts {
        ids.push(app.create(tenant, &json!({"total_amount": amount, "currency": "EUR"})).await.json()["id"].clone());
    }
    ids
}

#[tokio::test]
async fn stream_sends_what_the_feed_lists() {
    let app = streaming(App::new().await);
    let tenant = reader(&app).await;
    let earlier = create(&app, &tenant, 0..2).await;
    let mut from_now = Stream::open(&app, &tenant, "", None).await;
    let cursor = page(&app, &tenant, "limit=1").await["next_cursor"].as_str().expect("a cursor").to_owned();
    let mut from_cursor = Stream::open(&app, &tenant, &format!("cursor={cursor}"), None).await;
    let later = create(&app, &tenant, 2..5).await;
    let listed = events(&page(&app, &tenant, "").await);
    assert_eq!(listed.len(), 5);
    assert_eq!(from_cursor.event().await["data"]["id"], earlier[1]);
    for (at, event) in listed.iter().enumerate().skip(2) {
        assert_eq!(&from_now.event().await, event);
        assert_eq!(&from_cursor.event().await, event);
        assert_eq!(event["data"]["id"], later[at - 2]);
    }
}

#[tokio::test]
async fn stream_goes_on_after_the_last_event_on_another_server() {
    let app = streaming(App::new().await);
    let other = streaming(App::on(app.options.clone(), Clock::system()).await);
    let tenant = reader(&app).await;
    let mut stream = Stream::open(&app, &tenant, "", None).await;
    let ids = create(&app, &tenant, 0..4).await;
    assert_eq!(stream.payments(2).await, ids[..2]);
    let last_id = stream.last_id.clone();
    drop(stream);
    // The header goes before the query, as a client that connects again sends both.
    let mut stream = Stream::open(&other, &tenant, "cursor=00000000-0000-0000-0000-000000000000", Some(&last_id)).await;
    assert_eq!(stream.payments(2).await, ids[2..]);
    // Nobody notifies this server of changes on the first one.
    let more = create(&app, &tenant, 4..6).await;
    assert_eq!(stream.payments(2).await, more);
}

#[tokio::test]
async fn streams_have_the_wanted_events_of_their_connection() {
    let app = streaming(App::new().await);
    let tenant = reader(&app).await;
    let (connection_id, connection_token) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    let second = Tenant { connection_id, connection_token, ..tenant.clone() };
    let request = second.request(Method::GET, &format!("{EVENTS}/stream")).body(Body::empty()).expect("a request");
    let mut of_second = Stream::of(&app, request).await;
    let mut of_connections = Stream::open(&app, &tenant, "type=connection.*", None).await;
    create(&app, &tenant, 0..2).await;
    let ids = create(&app, &second, 2..4).await;
    assert_eq!(of_second.payments(2).await, ids);
    app.revoke_connection(tenant.connection_id).await;
    assert_eq!(of_connections.event().await["id_connection"], json!(tenant.connection_id.to_string()));
}

#[tokio::test]
async fn stream_that_lags_behind_misses_nothing() {
    let app = streaming(App::new().await);
    let tenant = reader(&app).await;
    let mut slow = Stream::open(&app, &tenant, "", None).await;
    // More than all buffers hold: 40 events of about 15 kB each.
    let note = "a".repeat(14_000);
    let mut ids = Vec::new();
    for amount in 0..40 {
        let body = json!({"total_amount": amount, "currency": "EUR", "field_mappings": {"note": note}});
        ids.push(app.create(&tenant, &body).await.json()["id"].clone());
    }
    // A second stream shows that the tail has gone on to the last one.
    let mut fast = Stream::open(&app, &tenant, "", None).await;
    let last = create(&app, &tenant, 40..41).await;
    assert_eq!(fast.payments(1).await, last);
    assert_eq!(slow.payments(41).await, [ids, last].concat());
}

#[tokio::test]
async fn revoked_key_ends_its_streams_and_no_others() {
    let app = streaming(App::new().await);
    let tenant = reader(&app).await;
    let scopes = unibooks::domain::ApiKeyScopes::of_names(["webhooks:read"]);
    let (api_key_id, api_key) =
        app.key(tenant.project_id, CredentialOptions { scopes, ..CredentialOptions::default() }).await;
    let revoked = Tenant { api_key_id, api_key, ..tenant.clone() };
    app.listen();
    app.until_listeners(1).await;
    let mut kept = Stream::open(&app, &tenant, "", None).await;
    let mut ended = Stream::open(&app, &revoked, "", None).await;
    app.revoke_key(revoked.api_key_id).await;
    assert_eq!(ended.message().await, None);
    let ids = create(&app, &tenant, 0..1).await;
    assert_eq!(kept.payments(1).await, ids);
}

#[tokio::test]
async fn stop_ends_streams() {
    let app = streaming(App::new().await);
    let tenant = reader(&app).await;
    let mut stream = Stream::open(&app, &tenant, "", None).await;
    app.streams.end();
    assert_eq!(stream.message().await, None);
}

#[tokio::test]
async fn silent_stream_sends_its_position() {
    let app = streaming(App::new().await);
    let tenant = reader(&app).await;
    let mut stream = Stream::open(&app, &tenant, "type=sync.*", None).await;
    let start = stream.last_id.clone();
    create(&app, &tenant, 0..1).await;
    let end = events(&page(&app, &tenant, "").await)[0]["id_event"].clone();
    let beat = tokio::spawn(async move {
        let message = stream.message().await.expect("a message");
        (message, stream)
    });
    // The clock of the program moves on by the time after which a heartbeat is due.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(16)).await;
    tokio::time::resume();
    let (message, mut stream) = beat.await.expect("no panic");
    assert_eq!(message.len(), 1, "{message:?}");
    // The event that was not wanted is passed, now or with a later heartbeat.
    assert!([json!(start), end].contains(&json!(message[0].1)), "{message:?}");
    app.streams.end();
    assert_eq!(stream.message().await, None);
}

#[tokio::test]
async fn streams_above_the_limit_are_refused() {
    let settings = ServerSettings { max_streams: 2, ..unlimited() };
    let app = App::with_settings(postgres::migrated().await, Clock::system(), &settings).await;
    let tenant = reader(&app).await;
    let first = Stream::open(&app, &tenant, "", None).await;
    let _second = Stream::open(&app, &tenant, "", None).await;
    let path = format!("{EVENTS}/stream");
    let refused = get_by_key(&app, &tenant, &path).await;
    assert_eq!(refused.problem(), (503, "overloaded".to_owned()));
    assert!(!refused.header("retry-after").is_empty());
    // Another key has its share.
    let other = reader(&app).await;
    drop(Stream::open(&app, &other, "", None).await);
    drop(first);
    assert_eq!(get_by_key(&app, &tenant, &path).await.status, 200);
}

#[tokio::test]
async fn stream_after_a_removed_event_is_refused() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    create(&app, &tenant, 0..3).await;
    let listed = events(&page(&app, &tenant, "").await);
    app.connect().await.execute("delete from event where position <= 2").await.expect("removed");
    let first = listed[0]["id_event"].as_str().expect("an id");
    let refused = get_by_key(&app, &tenant, &format!("{EVENTS}/stream?cursor={first}")).await;
    assert_eq!(refused.problem(), (410, "events_expired".to_owned()));
    let wrong = Request::builder().uri(format!("{EVENTS}/stream")).header("x-api-key", &tenant.api_key);
    let wrong = app.send(wrong.header("last-event-id", "7").body(Body::empty()).expect("a request")).await;
    assert_eq!(wrong.problem(), (422, "invalid_query".to_owned()));
}
