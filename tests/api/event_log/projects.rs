//! A project has a feed of its own.

use unibooks::domain::{EventId, EventType};
use unibooks::events;

use super::{Reader, change, object, project};
use crate::support::app::App;

#[tokio::test]
async fn feed_has_the_events_of_its_project_alone() {
    let app = App::new().await;
    let tenants = [app.tenant().await, app.tenant().await];
    app.forget_events().await;
    for number in 0..4 {
        change(&app, &tenants[usize::from(number % 2 == 1)], object(number)).await;
    }
    let mut readers = tenants.each_ref().map(|tenant| Reader::new(project(&app, tenant)));
    assert_eq!(readers[1].objects().await, [object(1), object(3)]);
    let waiting: i64 = sqlx::query_scalar("select count(*) from event_outbox where project_id = $1")
        .bind(tenants[0].project_id.0)
        .fetch_one(&mut app.connect().await)
        .await
        .expect("a count");
    assert_eq!(waiting, 2, "the other project's changes still wait");
    assert_eq!(readers[0].objects().await, [object(0), object(2)]);

    let foreign = readers[1].seen[0].clone();
    let found = events::find(&readers[0].scope, foreign.position).await.expect("read").expect("an event");
    assert_eq!(found.object_id, object(0), "a position is of the project that asks");
    let id = EventId::new(tenants[1].project_id, foreign.position);
    assert_eq!(id.position_in(tenants[0].project_id), None, "and an id names its project");

    let mut reader = Reader::new(project(&app, &tenants[0]));
    reader.filter.connection_id = Some(tenants[1].connection_id);
    assert!(reader.objects().await.is_empty(), "a connection of another project");
}

#[tokio::test]
async fn event_of_the_project_takes_the_next_position() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    app.forget_events().await;
    let mut reader = Reader::new(project(&app, &tenant));
    for number in 0..3 {
        let mut transaction = reader.scope.transaction().await.expect("begun");
        events::append(&mut transaction, EventType::WebhookEndpointDisabled, object(100 + number))
            .await
            .expect("appended");
        transaction.commit().await.expect("committed");
        change(&app, &tenant, object(number)).await;
        reader.read().await.expect("read");
    }
    assert_eq!(reader.objects().await, [100, 0, 101, 1, 102, 2].map(object));
    let concerns = |connection| reader.seen.iter().filter(|event| event.connection_id == connection).count();
    assert_eq!((concerns(None), concerns(Some(tenant.connection_id))), (3, 3));
}
