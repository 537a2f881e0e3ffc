//! Positions follow the commits.

use std::sync::Arc;

use tokio::task::JoinSet;
use unibooks::domain::Clock;
use unibooks::events;

use super::{Reader, change, changed, object, objects, project};
use crate::support::app::{App, CredentialOptions, Tenant};

#[tokio::test]
async fn late_commit_comes_after_what_was_read_meanwhile() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    app.forget_events().await;
    let mut reader = Reader::new(project(&app, &tenant));
    let late = changed(&app, &tenant, object(1)).await.expect("announced");
    change(&app, &tenant, object(2)).await;
    assert_eq!(reader.objects().await, [object(2)], "an open transaction is not seen");
    change(&app, &tenant, object(3)).await;
    late.commit().await.expect("committed");
    // Both wait for a position now. The one that began first has committed last.
    let mut all = reader.objects().await;
    assert_eq!(all.remove(0), object(2), "what was read keeps its place");
    all.sort_unstable();
    assert_eq!(all, [object(1), object(3)]);
    assert_eq!(reader.seen.iter().map(|event| event.position.0).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn change_that_is_taken_back_has_no_event() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    app.forget_events().await;
    let mut reader = Reader::new(project(&app, &tenant));
    changed(&app, &tenant, object(1)).await.expect("announced").rollback().await.expect("rolled back");
    drop(changed(&app, &tenant, object(2)).await.expect("announced"));
    change(&app, &tenant, object(3)).await;
    assert_eq!(reader.objects().await, [object(3)]);
}

#[tokio::test]
async fn changes_of_a_connection_keep_the_order_of_their_commits() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let (connection_id, connection_token) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    app.forget_events().await;
    let other = Tenant { connection_id, connection_token, ..tenant.clone() };
    for number in 0..300 {
        change(&app, if number % 3 == 0 { &other } else { &tenant }, object(number)).await;
    }
    let mut reader = Reader::new(project(&app, &tenant));
    assert_eq!(reader.objects().await, (0..300).map(object).collect::<Vec<_>>());
    for (of, divisible) in [(&other, true), (&tenant, false)] {
        let mut reader = Reader::new(project(&app, &tenant));
        reader.filter.connection_id = Some(of.connection_id);
        let own = (0..300).filter(|number| (number % 3 == 0) == divisible).map(object);
        assert_eq!(reader.objects().await, own.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn servers_that_sequence_at_once_give_each_position_once() {
    let app = Arc::new(App::new().await);
    let other = Arc::new(App::on(app.options.clone(), Clock::system()).await);
    let tenant = app.tenant().await;
    app.forget_events().await;
    for round in 0..3 {
        // More than one step, and in the first round without a row of the feed.
        for number in 0..400 {
            change(&app, &tenant, object(round * 400 + number)).await;
        }
        let mut sequencers = JoinSet::new();
        for server in [&app, &other].repeat(4) {
            let scope = project(server, &tenant);
            sequencers.spawn(async move { while events::sequence(&scope).await.expect("sequenced").has_more {} });
        }
        sequencers.join_all().await;
    }
    let mut reader = Reader::new(project(&other, &tenant));
    assert_eq!(reader.objects().await, (0..1_200).map(object).collect::<Vec<_>>());
    let positions: Vec<_> = reader.seen.iter().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..=1_200).collect::<Vec<_>>());
}

#[tokio::test]
async fn page_is_bounded_and_says_where_it_ends() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    app.forget_events().await;
    for number in 0..5 {
        change(&app, &tenant, object(number)).await;
    }
    let mut reader = Reader::new(project(&app, &tenant));
    reader.read().await.expect("read");
    let page = async |limit| events::read(&reader.scope, &reader.filter, reader.seen[1].position, limit).await;
    let part = page(2).await.expect("read");
    assert_eq!((objects(&part.events), part.last.0, part.is_end), (vec![object(2), object(3)], 4, false));
    let rest = page(3).await.expect("read");
    assert_eq!((objects(&rest.events), rest.last.0, rest.is_end), ([2, 3, 4].map(object).to_vec(), 5, true));
}
