//! One server at a time reads the software behind a connection.

use std::time::Duration;

use unibooks::auth::Worker;
use unibooks::domain::Clock;
use unibooks::domain::references::Resource;
use unibooks::sync::pull::{self, Failure, store};

use super::{connected, names};
use crate::support::app::App;
use crate::support::software::{Books, capabilities, connect, due, job, lease, request};

#[tokio::test]
async fn one_of_many_servers_gets_the_lease() {
    let (app, tenant) = connected().await;
    let other = App::on(app.options.clone(), Clock::system()).await;
    let servers = [&app, &other, &app, &other, &app, &other];
    let leases = futures_util::future::join_all(servers.map(|server| lease(server, &tenant))).await;
    assert_eq!(leases.into_iter().flatten().count(), 1);
}

#[tokio::test]
async fn pull_whose_lease_was_taken_writes_nothing_more() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    for number in 1..=4 {
        books.put(Resource::Account, number, 1, "x");
    }
    let first = lease(&app, &tenant).await.expect("nobody has it");
    due(&app, &tenant).await;
    let second = lease(&app, &tenant).await.expect("the first has lapsed");
    let lost = pull::pull(&job(&app, &tenant), &books, capabilities(), &first, &|| false).await;
    assert!(matches!(lost, Err(Failure::LeaseLost)), "{lost:?}");
    assert_eq!(names(&app, &tenant, Resource::Account).await, Vec::<String>::new());
    store::release(&job(&app, &tenant), &first, Duration::ZERO).await.expect("asked");
    pull::pull(&job(&app, &tenant), &books, capabilities(), &second, &|| false).await.expect("the second has it still");
    assert_eq!(names(&app, &tenant, Resource::Account).await.len(), 4);
}

#[tokio::test]
async fn new_connection_is_due_at_once_and_then_after_the_interval() {
    let app = App::new().await;
    let (tenant, without) = (app.tenant().await, app.tenant().await);
    connect(&app, &tenant).await;
    let worker = Worker::from_app(app.database.clone());
    let due = async || store::due(&worker, 10).await.expect("asked");
    store::enroll(&worker).await.expect("enrolled");
    assert_eq!(due().await, [(tenant.connection_id, tenant.project_id)], "not {}", without.connection_id);
    let lease = lease(&app, &tenant).await.expect("due");
    assert_eq!(due().await, [], "it is under way");
    store::release(&job(&app, &tenant), &lease, Duration::from_mins(15)).await.expect("released");
    store::enroll(&worker).await.expect("enrolled");
    assert_eq!(due().await, [], "it is read again later");
}

#[tokio::test]
async fn software_that_may_not_be_asked_is_not_due() {
    let (app, tenant) = connected().await;
    let worker = Worker::from_app(app.database.clone());
    assert_eq!(store::due(&worker, 10).await.expect("asked").len(), 1);
    let mut session = app.connect().await;
    for status in ["paused", "needs_reauth"] {
        sqlx::query("update connection_software set status = $1")
            .bind(status)
            .execute(&mut session)
            .await
            .expect("set");
        assert_eq!(store::due(&worker, 10).await.expect("asked"), [], "{status}");
    }
    sqlx::query("update connection_software set status = 'valid'").execute(&mut session).await.expect("set");
    app.revoke_connection(tenant.connection_id).await;
    assert_eq!(store::due(&worker, 10).await.expect("asked"), [], "revoked");
}

#[tokio::test]
async fn request_during_a_pull_is_not_forgotten() {
    let (app, tenant) = connected().await;
    let worker = Worker::from_app(app.database.clone());
    let held = lease(&app, &tenant).await.expect("due");
    request(&app, &tenant, Duration::from_mins(1)).await;
    store::release(&job(&app, &tenant), &held, Duration::from_mins(15)).await.expect("released");
    assert_eq!(store::due(&worker, 10).await.expect("asked").len(), 1);
}
