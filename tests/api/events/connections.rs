//! What happens to a connection is announced once.

use unibooks::auth::Operator;
use unibooks::domain::{Clock, DisplayName};
use unibooks::management::connections::{self, NewConnection};

use crate::support::app::App;
use crate::support::events::feed;
use crate::support::software::connect;

#[tokio::test]
async fn each_change_of_a_connection_is_announced_once() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    connect(&app, &tenant).await;
    let operator = Operator::from_cli(app.database.clone());
    let (id, now) = (tenant.connection_id, Clock::system().now());
    for _ in 0..2 {
        connections::pause(&operator, id, now).await.expect("paused");
    }
    for _ in 0..2 {
        connections::resume(&operator, id, now).await.expect("resumed");
    }
    for _ in 0..2 {
        assert!(connections::revoke(&operator, id, now).await.expect("revoked"));
    }
    let feed = feed(&app.database, tenant.project_id).await;
    let names = ["connection.created", "connection.disconnected", "connection.reconnected", "connection.deleted"];
    assert_eq!(feed.names(), names);
    assert!(feed.0.iter().all(|event| event.object_id == id.0 && event.connection_id == Some(id)));
    assert!(feed.0.iter().all(|event| event.state.is_none()), "what is shown is the connection as it is");
}

#[tokio::test]
async fn connection_that_is_not_stored_is_not_announced() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let operator = Operator::from_cli(app.database.clone());
    let label: DisplayName = "Test".parse().expect("a name");
    let new = NewConnection { project_id: tenant.project_id, label, software: None, expires_at: None };
    let mut transaction = operator.transaction().await.expect("begun");
    connections::create(&mut transaction, new, Clock::system().now()).await.expect("created");
    drop(transaction);
    assert_eq!(feed(&app.database, tenant.project_id).await.names(), ["connection.created"], "that of the tenant");
}
