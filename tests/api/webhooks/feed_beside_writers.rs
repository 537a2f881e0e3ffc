//! A reader that follows the cursor beside writers on two servers, with transactions that commit late or never.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use sqlx::Executor;
use unibooks::domain::{Clock, PaymentId};

use super::feed::{events, page, reader};
use crate::support::all_nodes::count_on_all_nodes;
use crate::support::app::{App, CredentialOptions, Tenant};
use crate::support::wait::until;

/// Follows the feed from its beginning: the ids of the payments in the order in which they come, by connection.
struct Follower {
    cursor: Option<String>,
    seen: BTreeMap<String, Vec<String>>,
}

impl Follower {
    fn new() -> Self {
        Self { cursor: None, seen: BTreeMap::new() }
    }

    /// Reads pages until there is no more.
    async fn read(&mut self, app: &App, tenant: &Tenant) {
        loop {
            let cursor = self.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page = page(app, tenant, &format!("limit=7&type=accounting.payment.created{cursor}")).await;
            for event in events(&page) {
                let text = |value: &Value| value.as_str().expect("a text").to_owned();
                self.seen.entry(text(&event["id_connection"])).or_default().push(text(&event["data"]["id"]));
            }
            self.cursor = page["next_cursor"].as_str().map(str::to_owned);
            if page["has_more"] == false {
                return;
            }
        }
    }

    fn all(&self) -> Vec<String> {
        let mut all: Vec<_> = self.seen.values().flatten().cloned().collect();
        all.sort();
        all
    }
}

/// Announces a payment as a writer does, in a transaction that stays open.
const ANNOUNCE: &str = "insert into event_outbox (project_id, connection_id, type, objects, created_at)
                        values ($1, $2, 'accounting.payment.created', array[$3::uuid], now())";

#[tokio::test]
async fn follower_misses_nothing_and_sees_nothing_twice() {
    let app = App::new().await;
    let other = App::on(app.options.clone(), Clock::system()).await;
    let tenant = reader(&app).await;
    let (connection_id, connection_token) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    let second = Tenant { connection_id, connection_token, ..tenant.clone() };
    let is_done = Arc::new(AtomicBool::new(false));
    // Two readers on two servers give positions at the same time.
    let read = |app: &App| {
        let (app, tenant, is_done) = (app.clone(), tenant.clone(), Arc::clone(&is_done));
        async move {
            let mut follower = Follower::new();
            while !is_done.load(Ordering::Relaxed) {
                follower.read(&app, &tenant).await;
            }
            follower.read(&app, &tenant).await;
            follower
        }
    };
    let readers = [tokio::spawn(read(&app)), tokio::spawn(read(&other))];
    let write = async |app: &App, tenant: &Tenant| {
        let mut ids = Vec::new();
        for amount in 0..60 {
            let answer = app.create(tenant, &json!({"total_amount": amount, "currency": "EUR"})).await;
            ids.push(answer.json()["id"].as_str().expect("an id").to_owned());
        }
        ids
    };
    let written =
        tokio::join!(write(&app, &tenant), write(&other, &tenant), write(&app, &second), write(&other, &second));
    is_done.store(true, Ordering::Relaxed);
    let mut expected = [&written.0[..], &written.1, &written.2, &written.3].concat();
    expected.sort();
    for follower in readers {
        let follower = follower.await.expect("no panic");
        assert_eq!(follower.all(), expected);
        for (writer, connection) in
            [(&written.0, &tenant), (&written.1, &tenant), (&written.2, &second), (&written.3, &second)]
        {
            // What one client creates after the answer to the last call comes in this order.
            let seen = &follower.seen[&connection.connection_id.to_string()];
            let places: Vec<_> = writer.iter().map(|id| seen.iter().position(|seen| seen == id)).collect();
            assert!(places.is_sorted(), "{places:?}");
        }
    }
}

#[tokio::test]
async fn change_that_commits_late_comes_after_what_was_read() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    let payment = app.create(&tenant, &json!({"total_amount": 1})).await.json()["id"].clone();
    let mut late = app.connect().await;
    late.execute("begin").await.expect("begun");
    let id = PaymentId::new(Clock::system().now());
    let announce = sqlx::query(ANNOUNCE).bind(tenant.project_id.0).bind(tenant.connection_id.0).bind(id.0);
    announce.execute(&mut late).await.expect("announced");
    let after = app.create(&tenant, &json!({"total_amount": 2})).await.json()["id"].clone();
    let first = page(&app, &tenant, "type=accounting.*").await;
    let ids = |page: &Value| events(page).iter().map(|event| event["data"]["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first), [payment, after]);
    late.execute("commit").await.expect("committed");
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let next = page(&app, &tenant, &format!("type=accounting.*&cursor={cursor}")).await;
    assert_eq!(ids(&next), [json!(id.to_string())]);
}

/// What another server does when it gives the payment of the outbox its position.
const SEQUENCE: [&str; 3] = [
    "insert into event_feed (project_id, last_position) select project_id, 1 from event_outbox",
    "insert into event (project_id, position, connection_id, type, object_id, created_at)
     select project_id, 1, connection_id, type, objects[1], created_at from event_outbox",
    "delete from event_outbox",
];

#[tokio::test]
async fn reader_waits_for_positions_that_another_server_gives() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    let payment = app.create(&tenant, &json!({"total_amount": 1})).await.json()["id"].clone();
    let mut other = app.connect().await;
    other.execute("begin").await.expect("begun");
    for statement in SEQUENCE {
        other.execute(statement).await.expect("done");
    }
    let read = tokio::spawn({
        let (app, tenant) = (app.clone(), tenant.clone());
        async move { page(&app, &tenant, "type=accounting.*").await }
    });
    let mut watcher = app.connect().await;
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    until("the reader waits", async || count_on_all_nodes(&mut watcher, waiting).await > 0).await;
    other.execute("commit").await.expect("committed");
    let page = read.await.expect("no panic");
    let ids: Vec<_> = events(&page).iter().map(|event| event["data"]["id"].clone()).collect();
    assert_eq!(ids, [payment]);
}

#[tokio::test]
async fn killed_writer_leaves_no_event() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    let mut killed = app.connect().await;
    killed.execute("begin").await.expect("begun");
    let announce =
        sqlx::query(ANNOUNCE).bind(tenant.project_id.0).bind(tenant.connection_id.0).bind(tenant.project_id.0);
    announce.execute(&mut killed).await.expect("announced");
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut killed).await.expect("a pid");
    sqlx::query("select pg_terminate_backend($1, 10000)")
        .bind(pid)
        .execute(&mut app.connect().await)
        .await
        .expect("killed");
    let payment = app.create(&tenant, &json!({"total_amount": 1})).await.json()["id"].clone();
    let ids: Vec<_> =
        events(&page(&app, &tenant, "type=accounting.*").await).iter().map(|e| e["data"]["id"].clone()).collect();
    assert_eq!(ids, [payment]);
}

#[tokio::test]
async fn expired_cursor_is_refused_with_advice() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    app.create(&tenant, &json!({"total_amount": 1})).await;
    let first = page(&app, &tenant, "limit=1").await;
    for amount in 2..5 {
        app.create(&tenant, &json!({"total_amount": amount})).await;
    }
    page(&app, &tenant, "").await;
    let cursor = first["next_cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(events(&page(&app, &tenant, &format!("cursor={cursor}")).await).len(), 3);
    let project = unibooks::auth::Operator::from_cli(app.database.clone()).project(tenant.project_id);
    let moment = Clock::system().now();
    while unibooks::events::expire(&project, moment).await.expect("removed") {}
    let path = format!("{}?cursor={cursor}", super::feed::EVENTS);
    let answer = super::feed::get_by_key(&app, &tenant, &path).await;
    assert_eq!(answer.problem(), (410, "events_expired".to_owned()));
    assert_eq!(events(&page(&app, &tenant, "").await), Vec::<Value>::new());
}
