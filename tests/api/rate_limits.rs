//! Rate limits: requests by API key, and failed authentication by address.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{Method, Request};
use chrono::{DateTime, TimeDelta, Utc};
use unibooks::auth::{Secret, secret};
use unibooks::config::{RateLimit, ServerSettings};
use unibooks::domain::Clock;
use unibooks::http::server::client_address::Peer;

use crate::support::app::{Answer, App, CredentialOptions, PAYMENTS, Tenant, small_payment};
use crate::support::postgres;

/// A clock that the test moves.
#[derive(Clone, Default)]
struct Time(Arc<AtomicI64>);

impl Time {
    fn pass(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let (noon, time) = ("2026-01-01T12:00:00Z".parse::<DateTime<Utc>>().expect("a time"), self.clone());
        Clock::new(move || noon + TimeDelta::milliseconds(time.0.load(Ordering::SeqCst)))
    }
}

/// A server with these limits; `off` means no limit.
async fn app(time: &Time, requests: &str, failures: &str, proxies: &str) -> App {
    let quota = |text: &str| (text != "off").then(|| text.parse().expect("a quota"));
    let clock = time.clock();
    let settings = ServerSettings {
        rate_limit: RateLimit(quota(requests)),
        failed_auth_limit: RateLimit(quota(failures)),
        trusted_proxies: proxies.parse().expect("blocks"),
        ..ServerSettings::default()
    };
    App::with_settings(postgres::migrated().await, clock, &settings).await
}

/// The headers about limits: the wait, the policy, the remaining quota.
fn limit_headers(answer: &Answer) -> [&str; 3] {
    ["retry-after", "ratelimit-policy", "ratelimit"].map(|name| answer.header(name))
}

/// Lists payments from an address, with this `X-Forwarded-For`.
async fn get_from(app: &App, tenant: &Tenant, peer: &str, forwarded_for: &str) -> Answer {
    let mut request = tenant.request(Method::GET, PAYMENTS).header("x-forwarded-for", forwarded_for);
    request = request.extension(Peer(peer.parse::<IpAddr>().expect("an address")));
    app.send(request.body(Body::empty()).expect("a request")).await
}

/// A tenant of another database: its secrets are well formed but unknown here.
async fn unknown_tenant(other: &App) -> Tenant {
    other.tenant().await
}

#[tokio::test]
async fn key_over_its_quota_gets_retry_after_and_stores_nothing() {
    let time = Time::default();
    let app = app(&time, "2/10", "off", "").await;
    let tenant = app.tenant().await;
    let policy = "\"default\";q=2;w=10";

    let first = app.create(&tenant, &small_payment()).await;
    assert_eq!((first.status.as_u16(), limit_headers(&first)), (201, ["", policy, "\"default\";r=1;t=5"]));
    let bad = app.create_with(&tenant, &[], "{").await;
    assert_eq!(
        (bad.status.as_u16(), limit_headers(&bad)),
        (400, ["", policy, "\"default\";r=0;t=10"]),
        "a failed request counts too"
    );

    time.pass(600);
    let refused = app.create(&tenant, &small_payment()).await;
    assert_eq!(refused.problem(), (429, "rate_limited".to_owned()));
    assert_eq!(limit_headers(&refused), ["5", policy, "\"default\";r=0;t=5"], "4.4 seconds, rounded up");
    assert_eq!(refused.json()["retryable"], true);
    assert_eq!(app.count().await, 1);

    time.pass(5_000);
    assert_eq!(app.create(&tenant, &small_payment()).await.status, 201, "the request succeeds after the wait");
    assert_eq!(app.create(&tenant, &small_payment()).await.status, 429);
    assert_eq!(app.count().await, 2);
}

#[tokio::test]
async fn each_key_has_a_quota_of_its_own() {
    let time = Time::default();
    let app = app(&time, "1/60", "off", "").await;
    let one = app.tenant().await;
    let (_, api_key) = app.key(one.project_id, CredentialOptions::default()).await;
    let other = Tenant { api_key, ..one.clone() };
    assert_eq!(app.get(&one, PAYMENTS).await.status, 200);
    assert_eq!(app.get(&one, PAYMENTS).await.status, 429);
    assert_eq!(app.get(&other, PAYMENTS).await.status, 200);
}

#[tokio::test]
async fn answers_without_a_limit_have_no_limit_headers() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    assert_eq!(limit_headers(&app.get(&tenant, PAYMENTS).await), ["", "", ""]);
}

#[tokio::test]
async fn address_with_many_failures_is_refused_without_look_up() {
    let time = Time::default();
    let app = app(&time, "off", "2/20", "").await;
    let (known, other) = (app.tenant().await, app.tenant().await);
    let unknown = unknown_tenant(&App::new().await).await;
    assert_eq!(get_from(&app, &known, "192.0.2.1", "").await.status, 200);

    for _ in 0..2 {
        assert_eq!(get_from(&app, &unknown, "192.0.2.1", "").await.problem(), (401, "unauthenticated".to_owned()));
    }
    let refused = get_from(&app, &unknown, "192.0.2.1", "").await;
    assert_eq!(refused.problem(), (429, "too_many_failures".to_owned()));
    let policy = "\"failed-authentication\";q=2;w=20";
    assert_eq!(limit_headers(&refused), ["10", policy, "\"failed-authentication\";r=0;t=10"]);

    // Without a look-up this valid key is unknown. The key that was accepted before is exempt.
    assert_eq!(get_from(&app, &other, "192.0.2.1", "").await.status, 429);
    time.pass(5_000);
    assert_eq!(get_from(&app, &known, "192.0.2.1", "").await.status, 200, "even though its cache entry has expired");
    assert_eq!(get_from(&app, &other, "192.0.2.2", "").await.status, 200, "another address");

    time.pass(5_000);
    assert_eq!(get_from(&app, &unknown, "192.0.2.1", "").await.status, 401, "after the wait the key is looked up");
    assert_eq!(get_from(&app, &unknown, "192.0.2.1", "").await.status, 429);
}

#[tokio::test]
async fn refusals_without_a_look_up_do_not_count() {
    let time = Time::default();
    let app = app(&time, "off", "3/60", "").await;
    let tenant = app.tenant().await;
    let peer = Peer("192.0.2.1".parse::<IpAddr>().expect("an address"));
    for number in 0..230 {
        let key = if number % 2 == 0 { "" } else { "ub_key_short" };
        let request = Request::get(PAYMENTS).extension(peer).header("x-api-key", key);
        assert_eq!(app.send(request.body(Body::empty()).expect("a request")).await.status, 401);
    }
    assert_eq!(get_from(&app, &tenant, "192.0.2.1", "").await.status, 200);
}

#[tokio::test]
async fn good_secret_is_accepted_beside_guesses_of_its_address() {
    let time = Time::default();
    let app = app(&time, "off", "1/60", "").await;
    let (good, unknown) = (app.tenant().await, unknown_tenant(&App::new().await).await);
    let guess = || {
        let secret = Secret::generate(secret::Kind::ApiKey, &mut rand::rng());
        Tenant { api_key: secret.expose().to_owned(), ..unknown.clone() }
    };
    let mut looked_up = 0;
    for _ in 0..230 {
        looked_up += i32::from(get_from(&app, &guess(), "192.0.2.1", "").await.status == 401);
    }
    assert_eq!(looked_up, 1, "the others were refused without a look-up");

    let refused = get_from(&app, &good, "192.0.2.1", "").await;
    assert_eq!(refused.status, 429);
    time.pass(refused.header("retry-after").parse::<i64>().expect("seconds") * 1_000);
    for _ in 0..230 {
        get_from(&app, &guess(), "192.0.2.1", "").await;
    }
    assert_eq!(get_from(&app, &good, "192.0.2.1", "").await.status, 200, "the request succeeds after the wait");
}

#[tokio::test]
async fn forwarded_address_counts_only_from_a_trusted_proxy() {
    let time = Time::default();
    let app = app(&time, "off", "1/60", "").await;
    let unknown = unknown_tenant(&App::new().await).await;
    assert_eq!(get_from(&app, &unknown, "2001:db8::1", "198.51.100.7").await.status, 401);
    assert_eq!(get_from(&app, &unknown, "2001:db8::2:2", "198.51.100.8").await.status, 429, "the same 64 bits");
    assert_eq!(get_from(&app, &unknown, "2001:db8:0:1::1", "").await.status, 401, "others");
}

#[tokio::test]
async fn clients_of_a_trusted_proxy_are_counted_separately() {
    let time = Time::default();
    let app = app(&time, "off", "1/60", "10.0.0.0/8").await;
    let unknown = unknown_tenant(&App::new().await).await;
    let status = async |forwarded_for: &str| get_from(&app, &unknown, "10.0.0.1", forwarded_for).await.status.as_u16();
    assert_eq!(status("198.51.100.7").await, 401);
    assert_eq!(status("203.0.113.66, 198.51.100.7, 10.0.0.2").await, 429, "entries that the client added do not count");
    assert_eq!(status("198.51.100.8").await, 401);
}

#[tokio::test]
async fn revoked_key_loses_its_exemption_from_the_limit() {
    let time = Time::default();
    let app = app(&time, "off", "1/60", "").await;
    let tenant = app.tenant().await;
    assert_eq!(get_from(&app, &tenant, "192.0.2.1", "").await.status, 200);
    app.revoke_key(tenant.api_key_id).await;
    time.pass(2_000);
    assert_eq!(get_from(&app, &tenant, "192.0.2.1", "").await.status, 401);
    time.pass(2_000);
    assert_eq!(get_from(&app, &tenant, "192.0.2.1", "").await.status, 429);
    time.pass(2_000);
    app.database.close().await;
    assert_eq!(get_from(&app, &tenant, "192.0.2.1", "").await.status, 429, "the database is not asked");
}
