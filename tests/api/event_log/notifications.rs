//! Other servers hear that a feed has grown.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use unibooks::domain::{Clock, ProjectId};
use unibooks::events::{self, Changes, Subscriber};

use super::{change, object, project};
use crate::support::app::{App, small_payment};

/// Passes on what it hears.
struct Heard(UnboundedSender<ProjectId>);

impl Subscriber for Heard {
    fn changed(&self, project: ProjectId) {
        self.0.send(project).expect("a test that listens");
    }
}

fn subscribe(changes: &Changes) -> UnboundedReceiver<ProjectId> {
    let (sender, heard) = unbounded_channel();
    changes.subscribe(Heard(sender));
    heard
}

/// The next project that is heard of.
async fn next(heard: &mut UnboundedReceiver<ProjectId>) -> ProjectId {
    let next = tokio::time::timeout(Duration::from_mins(1), heard.recv()).await;
    next.expect("nothing is heard").expect("a server")
}

#[tokio::test]
async fn other_server_hears_of_the_project_whose_feed_has_grown() {
    let app = App::new().await;
    let other = App::on(app.options.clone(), Clock::system()).await;
    let tenants = [app.tenant().await, app.tenant().await];
    let mut heard = subscribe(&other.changes);
    other.listen();
    app.until_listeners(1).await;
    for tenant in &tenants {
        change(&app, tenant, object(1)).await;
        events::sequence(&project(&app, tenant)).await.expect("sequenced");
        assert_eq!(next(&mut heard).await, tenant.project_id);
    }
    events::sequence(&project(&app, &tenants[0])).await.expect("sequenced");
    assert!(heard.is_empty(), "nothing has grown");
}

#[tokio::test]
async fn server_hears_of_its_own_payments() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut heard = subscribe(&app.changes);
    assert_eq!(app.create(&tenant, &small_payment()).await.status, 201);
    assert_eq!(next(&mut heard).await, tenant.project_id);
}
