//! Two projects whose endpoints, events and calls have the same ids stay apart. Ids are never equal by chance, but
//! isolation must not depend on that: `scripts/mutants.py` takes the project out of each query.

use axum::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use unibooks::domain::{EventId, EventPosition};
use unibooks::events::{self, Filter};
use unibooks::webhooks::delivery;
use uuid::Uuid;

use crate::calls::{call, site};
use crate::receiver::{Receiver, status};
use crate::site::Site;
use crate::support::app::Tenant;
use crate::support::wait::until;

/// The tables whose rows belong to a project.
const TABLES: [&str; 8] = [
    "event",
    "event_feed",
    "event_outbox",
    "webhook_attempt",
    "webhook_delivery",
    "webhook_endpoint",
    "webhook_replay",
    "webhook_retry",
];

/// A site with another project, to which nothing may happen.
struct Twins {
    site: Site,
    theirs: Tenant,
    session: PgConnection,
}

impl Twins {
    async fn new() -> Self {
        let site = site().await;
        let theirs = site.app.tenant().await;
        site.app.forget_events().await;
        let session = site.app.connect().await;
        Self { site, theirs, session }
    }

    /// Runs a statement with the two projects as parameters: ours and theirs.
    async fn execute(&mut self, statement: impl Into<String>) {
        let statement: String = statement.into();
        sqlx::query(AssertSqlSafe(statement.clone()))
            .bind(self.site.tenant.project_id.0)
            .bind(self.theirs.project_id.0)
            .execute(&mut self.session)
            .await
            .unwrap_or_else(|error| panic!("{error}: {statement}"));
    }

    /// Gives them rows of ours under the same ids, with other values where `changed` says so.
    async fn copy(&mut self, table: &str, changed: &str) {
        self.execute(format!(
            "insert into {table} overriding system value
             select (jsonb_populate_record(ours, jsonb_build_object('project_id', $2::uuid) || '{changed}')).*
             from {table} ours where project_id = $1"
        ))
        .await;
    }

    /// Everything that they have.
    async fn snapshot(&mut self) -> String {
        let mut all = String::new();
        for table in TABLES {
            let query = format!(
                "select coalesce(string_agg(row::text, ' ' order by row::text), '') from {table} as row
                 where project_id = $1"
            );
            let query = sqlx::query_scalar::<_, String>(AssertSqlSafe(query)).bind(self.theirs.project_id.0);
            all.push_str(&query.fetch_one(&mut self.session).await.expect("rows"));
        }
        all
    }

    /// How many rows of ours a table has.
    async fn count(&mut self, table: &str) -> i64 {
        let query = format!("select count(*) from {table} where project_id = $1");
        let query = sqlx::query_scalar(AssertSqlSafe(query)).bind(self.site.tenant.project_id.0);
        query.fetch_one(&mut self.session).await.expect("a count")
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let answer = call(&self.site, &self.site.tenant, method, path, body).await;
        (answer.status.as_u16(), answer.json())
    }
}

#[tokio::test]
async fn endpoints_of_two_projects_with_one_id_stay_apart() {
    let mut twins = Twins::new().await;
    let body = |connection: Option<Uuid>| {
        Some(json!({ "url": "http://127.0.0.1:9/hooks", "scope": ["*"], "id_connection": connection }))
    };
    let (_, created) = twins.call(Method::POST, "/webhooks", body(None)).await;
    let path = format!("/webhooks/{}", created["id_webhook_endpoint"].as_str().expect("an id"));
    // They have as many endpoints, replays and events as a project can have, and calls of an endpoint with this id.
    twins.copy("webhook_endpoint", "{}").await;
    twins.copy("webhook_delivery", "{}").await;
    twins
        .execute(
            "insert into webhook_endpoint
             select (jsonb_populate_record(theirs, jsonb_build_object('id', gen_random_uuid()))).*
             from webhook_endpoint theirs, generate_series(1, 99) where project_id = $2 and $1::uuid is not null",
        )
        .await;
    for of_theirs in [
        "insert into webhook_retry select $2, id, 5, 1, now() from webhook_endpoint where project_id = $1",
        "insert into webhook_replay
         select $2, id, gen_random_uuid(), 0, 5, now(), now(), '{}', 'all', now()
         from webhook_endpoint, generate_series(1, 10) where project_id = $1",
        "insert into webhook_attempt
         select $2, id, gen_random_uuid(), 5, 'sync.completed', 1, now(), 1, 200, '', null
         from webhook_endpoint where project_id = $1",
        "insert into event select $2, 5, null, 'sync.completed', $1, null, now()",
        "insert into event_feed select $2, 5 where $1::uuid is not null",
    ] {
        twins.execute(of_theirs).await;
    }
    let before = twins.snapshot().await;

    assert_eq!(twins.call(Method::GET, "/webhooks", None).await.1.as_array().map(Vec::len), Some(1));
    assert_eq!(twins.call(Method::GET, &format!("{path}/attempts"), None).await.1["data"], json!([]));
    assert_eq!(twins.call(Method::PUT, &path, Some(json!({ "description": "ours" }))).await.0, 201);
    assert_eq!(twins.call(Method::POST, &format!("{path}/secret/rotate"), None).await.0, 201);
    for active in [false, true] {
        assert_eq!(twins.call(Method::PUT, &path, Some(json!({ "active": active }))).await.0, 201);
    }
    let position: i64 = sqlx::query_scalar("select position from webhook_delivery where project_id = $1")
        .bind(twins.site.tenant.project_id.0)
        .fetch_one(&mut twins.session)
        .await
        .expect("a position");
    assert_eq!(position, 0, "the end of our feed");
    assert_eq!(twins.call(Method::POST, &format!("{path}/replay"), Some(json!({}))).await.0, 202);
    let event = EventId::new(twins.site.tenant.project_id, EventPosition(5));
    assert_eq!(twins.call(Method::POST, &format!("/webhooks/events/{event}/resend"), None).await.0, 404);
    assert_eq!(twins.call(Method::POST, "/webhooks", body(None)).await.0, 201, "we have not a hundred");
    let foreign = body(Some(twins.theirs.connection_id.0));
    assert_eq!(twins.call(Method::POST, "/webhooks", foreign).await.0, 422);
    assert_eq!(twins.call(Method::DELETE, &path, None).await.0, 201);
    assert_eq!(twins.snapshot().await, before, "nothing happens to theirs");
}

#[tokio::test]
async fn feeds_of_two_projects_stay_apart() {
    let mut twins = Twins::new().await;
    let scope = twins.site.scope();
    let connection = twins.site.tenant.connection_id;
    // Their events name our connection, and their changes come first.
    for of_theirs in [
        format!(
            "insert into event
             select $2, position, '{connection}', 'connection.created', $1, null, '2026-01-01Z'
             from generate_series(3, 5) as position"
        ),
        "insert into event_feed select $2, 5 where $1::uuid is not null".to_owned(),
        "insert into event_outbox overriding system value
         select $2, $1, -number, 'sync.completed', array[$1], null, '2026-01-01Z' from generate_series(1, 1001) number"
            .to_owned(),
    ] {
        twins.execute(of_theirs).await;
    }
    let before = twins.snapshot().await;
    let none = EventPosition::default();
    let of_connection = Filter { connection_id: Some(connection), ..Filter::default() };
    for filter in [Filter::default(), of_connection] {
        assert!(events::read(&scope, &filter, none, 10).await.expect("a page").events.is_empty());
    }
    assert!(events::find(&scope, EventPosition(3)).await.expect("asked").is_none());
    assert_eq!(events::last_position(&scope).await.expect("asked"), none);
    assert!(!events::is_expired(&scope, none).await.expect("asked"));
    assert!(events::created_connections(&scope, None, 0, 10).await.expect("asked").is_empty());
    assert_eq!(events::sequence(&scope).await.expect("positions").last, none);
    assert_eq!(twins.count("event_feed").await, 0, "nothing was there to do");

    twins.site.pay(&twins.site.tenant, 1).await;
    twins.copy("event_outbox", "{}").await;
    let with_change = twins.snapshot().await;
    assert_ne!(with_change, before);
    assert_eq!(events::sequence(&scope).await.expect("positions").last, EventPosition(1));
    assert_eq!(twins.snapshot().await, with_change);

    twins.execute("update event set position = 5000 where project_id = $1 and $2::uuid is not null").await;
    twins.execute("update event_feed set last_position = 5000 where project_id = $1 and $2::uuid is not null").await;
    let an_hour_ago = twins.site.now() - TimeDelta::hours(1);
    assert_eq!(events::first_since(&scope, an_hour_ago).await.expect("asked"), none);
    twins.site.pay(&twins.site.tenant, 1).await;
    assert!(events::expire(&scope, twins.site.now() + TimeDelta::hours(1)).await.expect("expired"));
    assert_eq!((twins.count("event").await, twins.count("event_outbox").await), (0, 0));
    assert_eq!(twins.snapshot().await, with_change, "nothing happens to theirs");
}

/// Theirs are disabled or under a lease, so that no server works on them.
#[tokio::test]
async fn deliveries_of_two_projects_stay_apart() {
    let mut twins = Twins::new().await;
    let ours = Receiver::answering(|before, _| status(if before < 3 { 500 } else { 200 })).await;
    let gone = Receiver::answering(|_, _| status(410)).await;
    let endpoint = twins.site.endpoint_for(&ours.url, "accounting.*").await;
    let ended = twins.site.endpoint_for(&gone.url, "accounting.*").await;
    let idle = [twins.site.endpoint(&ours.url).await, twins.site.endpoint(&ours.url).await];
    twins.copy("webhook_endpoint", "{}").await;
    twins.copy("webhook_delivery", r#"{"due_at": null}"#).await;
    twins
        .execute(format!(
            "update webhook_endpoint set disabled_reason = 'paused', disabled_at = now()
             where $1::uuid is not null and project_id = $2 and id = '{endpoint}'"
        ))
        .await;
    let leased = "lease_id = 'a0000000-0000-7000-8000-000000000001', lease_until = '2100-01-01Z'";
    for id in [ended, idle[0], idle[1]] {
        twins
            .execute(format!(
                "update webhook_delivery set {leased} where $1::uuid is not null and project_id = $2
                 and endpoint_id = '{id}'"
            ))
            .await;
    }
    // One of ours is paused, the other has nothing to get. A server that takes them up empties `due_at`.
    let id = idle[0];
    twins
        .execute(format!(
            "update webhook_endpoint set disabled_reason = 'paused', disabled_at = now()
             where project_id = $1 and $2::uuid is not null and id = '{id}'"
        ))
        .await;
    twins
        .execute(format!(
            "update webhook_delivery set due_at = '2026-01-01Z',
                    position = case when endpoint_id = '{id}' then 0 else 1000000 end
             where project_id = $1 and $2::uuid is not null and endpoint_id in ('{id}', '{}')",
            idle[1]
        ))
        .await;
    for of_theirs in [
        "insert into event_feed select $2, 2000000 where $1::uuid is not null",
        "insert into webhook_retry
         select $2, id, position, 1, case when position < 100 then now() - interval '1 day' else now() + interval '9 days' end
         from webhook_endpoint, generate_series(1, 150) position where project_id = $1",
        "insert into webhook_replay
         select $2, id, '00000000-0000-0000-0000-000000000001', 0, 5, '2026-01-01Z', now(), '{*}', 'all', now()
         from webhook_endpoint where project_id = $1",
        "insert into webhook_attempt
         select $2, id, gen_random_uuid(), position, 'sync.completed', 1, now(), 1, 200, '', null
         from webhook_endpoint, generate_series(1, 20) position where project_id = $1",
    ] {
        twins.execute(of_theirs).await;
    }
    let running = twins.site.deliver();
    let query = "select due_at::text from webhook_delivery where project_id = $1 and endpoint_id = $2";
    let before = twins.snapshot().await;
    twins.site.pay(&twins.site.tenant, 4).await;
    until("it is called three times", async || ours.count() >= 3).await;
    until("the failures are stored", async || twins.site.open_retries(endpoint).await == 3).await;
    twins.site.pass(std::time::Duration::from_secs(10));
    until("all has arrived", async || ours.count() >= 7).await;
    until("nothing waits", async || twins.site.open_retries(endpoint).await == 0).await;
    until("it is disabled", async || twins.site.disabled(ended).await.is_some()).await;
    assert_eq!(ours.count(), 7, "each once beside the failures");
    running.stop().await;
    assert_eq!(twins.snapshot().await, before, "nothing happens to theirs");

    // They are in our feed before the endpoint goes on, so they were never sent; theirs were.
    twins.site.pause(endpoint).await;
    twins.site.pay(&twins.site.tenant, 2).await;
    events::sequence(&twins.site.scope()).await.expect("positions");
    twins.site.resume(endpoint).await;
    let path = format!("/webhooks/{endpoint}/replay");
    assert_eq!(twins.call(Method::POST, &path, Some(json!({ "only": "missing" }))).await.0, 202);
    twins.copy("webhook_replay", "{}").await;
    let before = twins.snapshot().await;
    let running = twins.site.deliver();
    until("what was missing has come", async || ours.count() >= 9).await;
    let open = "select from webhook_replay where project_id = $1 and endpoint_id = $2";
    until("the replay has ended", async || twins.site.rows(open, endpoint).await.is_empty()).await;
    running.stop().await;
    assert_eq!(twins.snapshot().await, before, "nothing happens to theirs");
    for id in idle {
        let due_at: Option<String> = sqlx::Row::get(&twins.site.rows(query, id).await[0], 0);
        assert!(due_at.is_some(), "nobody has taken it up");
    }

    // The calls of both have the same ids, and theirs are older by number.
    twins.execute("delete from webhook_attempt where project_id = $2 and $1::uuid is not null").await;
    twins.copy("webhook_attempt", "{}").await;
    twins
        .execute(
            "insert into webhook_attempt
             select $2, id, lpad(to_hex(number), 32, '0')::uuid, number, 'sync.completed', 1, now(), 1, 200, '', null
             from webhook_endpoint, generate_series(1, 1000) number where project_id = $1 limit 1000",
        )
        .await;
    let before = twins.snapshot().await;
    delivery::remove_attempts(&twins.site.scope(), Uuid::max(), 1_000).await.expect("removed");
    assert_eq!((twins.count("webhook_attempt").await, twins.snapshot().await), (0, before));
}
