//! Readers beside writers on two servers, while transactions stay open and sessions are killed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::task::JoinSet;
use unibooks::domain::Clock;
use unibooks::events::Event;
use uuid::Uuid;

use super::{Reader, changed, project};
use crate::support::app::{Answer, App, CredentialOptions, Tenant, small_payment};
use crate::support::wait::until;

/// How many payments each client creates.
const PAYMENTS: u32 = 25;
/// How often all sessions are killed.
const KILLS: u32 = 10;

/// What a client knows to be committed: steps that follow each other. The changes of one step overlapped.
type Steps = Vec<Vec<Uuid>>;

/// Creates a payment under a key, again and again until it is stored.
async fn create(app: &App, tenant: &Tenant, key: &str) -> Uuid {
    loop {
        let answer: Answer = app.create_under(tenant, key, &small_payment()).await;
        if answer.status == 201 {
            return answer.json()["id"].as_str().expect("an id").parse().expect("a UUID");
        }
        assert!(answer.status == 503, "{}", answer.text);
    }
}

/// Creates payments one after the other. Beside every other one an object changes, in a transaction that is open while
/// the payment is committed.
async fn write(app: Arc<App>, tenant: Tenant, client: u32, progress: Arc<AtomicU32>) -> Steps {
    let mut steps = Vec::new();
    for number in 0..PAYMENTS {
        let object = Uuid::from_u128(u128::from(client * PAYMENTS + number));
        let open = if number % 2 == 0 { changed(&app, &tenant, object).await.ok() } else { None };
        let key = format!("client-{client}-{number}");
        let payment = create(&app, &tenant, &key).await;
        // A repetition announces nothing.
        assert_eq!(create(&app, &tenant, &key).await, payment);
        let mut step = vec![payment];
        if let Some(open) = open
            && open.commit().await.is_ok()
        {
            step.push(object);
        }
        steps.push(step);
        progress.fetch_add(1, Ordering::SeqCst);
    }
    steps
}

/// Follows the feed until the writers are done, then to its end.
async fn follow(app: Arc<App>, tenant: Tenant, is_done: Arc<AtomicBool>) -> Vec<Event> {
    let mut reader = Reader::new(project(&app, &tenant));
    loop {
        let was_done = is_done.load(Ordering::SeqCst);
        // A reader whose session was killed goes on from its cursor.
        if reader.read().await.is_ok() && was_done {
            return reader.seen;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn reader_beside_killed_writers_misses_and_repeats_nothing() {
    let app = Arc::new(App::new().await);
    let other = Arc::new(App::on(app.options.clone(), Clock::system()).await);
    let tenant = app.tenant().await;
    let (connection_id, connection_token) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    app.forget_events().await;
    let second = Tenant { connection_id, connection_token, ..tenant.clone() };
    let (progress, is_done) = (Arc::<AtomicU32>::default(), Arc::<AtomicBool>::default());
    let mut writers = JoinSet::new();
    for (client, (server, tenant)) in
        (0..).zip([(&app, &tenant), (&app, &second), (&other, &tenant), (&other, &second)])
    {
        writers.spawn(write(Arc::clone(server), tenant.clone(), client, Arc::clone(&progress)));
    }
    let readers =
        [&app, &other].map(|server| tokio::spawn(follow(Arc::clone(server), tenant.clone(), Arc::clone(&is_done))));
    let mut killer = app.connect().await;
    for kill in 0..KILLS {
        let goal = (kill + 1) * 4 * PAYMENTS / (KILLS + 1);
        until("the writers go on", async || progress.load(Ordering::SeqCst) >= goal).await;
        let statement = "select pg_terminate_backend(pid) from pg_stat_activity
                         where datname = current_database() and pid <> pg_backend_pid()";
        sqlx::query(statement).execute(&mut killer).await.expect("killed");
    }
    let clients = writers.join_all().await;
    is_done.store(true, Ordering::SeqCst);
    let [feed, of_other] = readers;
    let (feed, of_other) = (feed.await.expect("a feed"), of_other.await.expect("a feed"));

    let objects: Vec<_> = feed.iter().map(|event| event.object_id).collect();
    assert_eq!(objects, super::objects(&of_other), "both servers show the same");
    let positions: Vec<_> = feed.iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..).take(feed.len()).collect::<Vec<_>>());
    let place: HashMap<_, _> = objects.iter().zip(0..).map(|(object, place)| (*object, place)).collect();
    assert_eq!(place.len(), feed.len(), "nothing is there twice");
    for steps in &clients {
        let mut last = -1;
        for step in steps {
            let places = step.iter().map(|object| *place.get(object).expect("nothing is missing"));
            assert!(places.clone().min() > Some(last), "a client sees the order of its own calls");
            last = places.max().expect("a payment");
        }
    }
    let stored: Vec<Uuid> =
        sqlx::query_scalar("select id from payment").fetch_all(&mut killer).await.expect("payments");
    let created = |event: &&Event| event.object_id.get_version_num() == 7;
    let created: HashSet<_> = feed.iter().filter(created).map(|event| event.object_id).collect();
    assert_eq!(created, stored.into_iter().collect(), "no event is of a payment that is not stored");
}
