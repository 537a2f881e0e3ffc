//! The cache of callers: an entry lives for a second, and every server drops it as soon as the caller changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgListener;
use unibooks::domain::Clock;

use crate::support::app::{App, CredentialOptions, PAYMENTS, Tenant};

fn noon() -> DateTime<Utc> {
    "2026-01-01T12:00:00Z".parse().expect("a time")
}

/// A server whose clock the test sets, in milliseconds after noon.
async fn with_movable_clock() -> (App, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(0));
    let read = Arc::clone(&clock);
    let now = move || noon() + TimeDelta::milliseconds(read.load(Ordering::SeqCst));
    (App::with_clock(Clock::new(now)).await, clock)
}

async fn execute(app: &App, statement: &'static str) {
    let mut connection = app.connect().await;
    sqlx::raw_sql(statement).execute(&mut connection).await.expect(statement);
}

async fn status(app: &App, tenant: &Tenant) -> u16 {
    app.get(tenant, PAYMENTS).await.status.as_u16()
}

/// Starts the server's listener and waits until it listens.
async fn listening(app: &App) {
    app.listen();
    app.until_listeners(1).await;
}

/// Shows that servers accept a caller without a look-up, by renaming the table. A server that has just begun to listen
/// clears its cache once more, so this may take a second try.
async fn assert_kept(apps: &[&App], tenant: &Tenant) {
    for app in apps {
        let mut tries = 0..10;
        loop {
            assert_eq!(status(app, tenant).await, 200);
            execute(app, "alter table api_key rename to hidden").await;
            let without_a_look_up = status(app, tenant).await;
            execute(app, "alter table hidden rename to api_key").await;
            if without_a_look_up == 200 {
                break;
            }
            tries.next().expect("the caller is kept");
        }
    }
}

#[tokio::test]
async fn revoked_key_is_refused_by_every_server() {
    let app = App::new_at_noon().await;
    let other = App::on(app.options.clone(), Clock::new(noon)).await;
    listening(&app).await;
    other.listen();
    app.until_listeners(2).await;
    for by_hand in [false, true] {
        for of_connection in [false, true] {
            let tenant = app.tenant().await;
            assert_eq!((status(&app, &tenant).await, status(&other, &tenant).await), (200, 200));
            assert_kept(&[&app, &other], &tenant).await;
            match (by_hand, of_connection) {
                (false, false) => app.revoke_key(tenant.api_key_id).await,
                (false, true) => app.revoke_connection(tenant.connection_id).await,
                (true, false) => execute(&app, "update api_key set revoked_at = now()").await,
                (true, true) => execute(&app, "update connection set expires_at = '2025-01-01'").await,
            }
            for server in [&app, &other] {
                assert_eq!(server.poll_until_refused(&tenant).await.problem(), (401, "unauthenticated".to_owned()));
            }
        }
    }
}

#[tokio::test]
async fn scopes_that_are_taken_away_by_hand_are_noticed_at_once() {
    let app = App::new_at_noon().await;
    listening(&app).await;
    let tenant = app.tenant().await;
    assert_eq!(status(&app, &tenant).await, 200);
    assert_kept(&[&app], &tenant).await;
    execute(&app, "update api_key set scopes = '{payments:write}'").await;
    assert_eq!(app.poll_until_refused(&tenant).await.problem(), (403, "missing_scope".to_owned()));
}

#[tokio::test]
async fn revocation_counts_within_a_second_without_notification() {
    let (app, clock) = with_movable_clock().await;
    let tenant = app.tenant().await;
    assert_eq!(status(&app, &tenant).await, 200);
    app.revoke_key(tenant.api_key_id).await;
    clock.store(999, Ordering::SeqCst);
    assert_eq!(status(&app, &tenant).await, 200, "this server has no notification");
    clock.store(1_000, Ordering::SeqCst);
    assert_eq!(status(&app, &tenant).await, 401);
}

#[tokio::test]
async fn clock_set_back_keeps_no_revoked_caller() {
    let (app, clock) = with_movable_clock().await;
    let tenant = app.tenant().await;
    assert_eq!(status(&app, &tenant).await, 200);
    app.revoke_connection(tenant.connection_id).await;
    clock.store(-1, Ordering::SeqCst);
    assert_eq!(status(&app, &tenant).await, 401);
}

#[tokio::test]
async fn cached_caller_expires_at_the_exact_time() {
    let (app, clock) = with_movable_clock().await;
    let ends =
        CredentialOptions { expires_at: Some(noon() + TimeDelta::milliseconds(500)), ..CredentialOptions::default() };
    for tenant in [
        app.tenant_like(ends, CredentialOptions::default()).await,
        app.tenant_like(CredentialOptions::default(), ends).await,
    ] {
        clock.store(0, Ordering::SeqCst);
        assert_eq!(status(&app, &tenant).await, 200);
        clock.store(499, Ordering::SeqCst);
        assert_kept(&[&app], &tenant).await;
        clock.store(500, Ordering::SeqCst);
        assert_eq!(status(&app, &tenant).await, 401);
    }
}

#[tokio::test]
async fn key_made_after_a_failed_attempt_works_at_once() {
    let app = App::new_at_noon().await;
    let tenant = app.tenant().await;
    execute(&app, "update api_key set secret_hash = sha256(secret_hash)").await;
    assert_eq!(status(&app, &tenant).await, 401);
    let (_, api_key) = app.key(tenant.project_id, CredentialOptions::default()).await;
    assert_eq!(status(&app, &Tenant { api_key, ..tenant }).await, 200);
}

#[tokio::test]
async fn flush_of_last_uses_notifies_no_server() {
    let app = App::new_at_noon().await;
    let tenant = app.tenant().await;
    assert_eq!(status(&app, &tenant).await, 200);
    let mut listener =
        PgListener::connect_with(&sqlx::PgPool::connect_lazy_with(app.options.clone())).await.expect("connected");
    listener.listen_all(["unibooks_callers", "end_of_test"]).await.expect("listening");
    app.authenticator.flush_last_used().await.expect("written");
    execute(&app, "notify end_of_test").await;
    assert_eq!(listener.recv().await.expect("a notification").channel(), "end_of_test");
    app.revoke_key(tenant.api_key_id).await;
    assert_eq!(listener.recv().await.expect("a notification").channel(), "unibooks_callers");
}

#[tokio::test]
async fn listener_that_was_cut_off_reconnects_and_clears_the_cache() {
    let app = App::new_at_noon().await;
    listening(&app).await;
    let tenant = app.tenant().await;
    assert_eq!(status(&app, &tenant).await, 200);
    assert_kept(&[&app], &tenant).await;
    // Revokes without a notification, in one transaction, and then ends the listener's session.
    execute(
        &app,
        "begin;
         alter table api_key disable trigger api_key_changed;
         update api_key set revoked_at = now();
         alter table api_key enable trigger api_key_changed;
         commit;
         select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and query ilike 'listen %'",
    )
    .await;
    assert_eq!(app.poll_until_refused(&tenant).await.status, 401);

    let second = app.tenant().await;
    app.until_listeners(1).await;
    assert_eq!(status(&app, &second).await, 200);
    app.revoke_key(second.api_key_id).await;
    assert_eq!(app.poll_until_refused(&second).await.status, 401, "the listener works again");
}

#[tokio::test]
async fn failed_look_up_is_not_cached() {
    let app = App::new_at_noon().await;
    let tenant = app.tenant().await;
    execute(&app, "alter table connection rename to hidden").await;
    assert_eq!(status(&app, &tenant).await, 500, "the look-up has no table");
    execute(&app, "alter table hidden rename to connection").await;
    assert_eq!(status(&app, &tenant).await, 200, "a failure is not kept");
}
