//! The events of a project, as a reader of its feed gets them.

use serde_json::Value;
use unibooks::auth::{ProjectScope, Worker};
use unibooks::db::Database;
use unibooks::domain::{EventPosition, ProjectId};
use unibooks::events::{self, Event, Filter};

/// What a feed has so far.
pub struct Feed(pub Vec<Event>);

/// The rows of a project, for a task of the server.
pub fn scope(database: &Database, project: ProjectId) -> ProjectScope {
    Worker::from_app(database.clone()).project(project)
}

/// Reads the feed of a project from its beginning, after all that is committed has its position.
pub async fn feed(database: &Database, project: ProjectId) -> Feed {
    let scope = scope(database, project);
    while events::sequence(&scope).await.expect("positions").has_more {}
    let (mut all, mut after) = (Vec::new(), EventPosition::default());
    loop {
        let page = events::read(&scope, &Filter::default(), after, 1_000).await.expect("a page");
        all.extend(page.events);
        after = page.last;
        if page.is_end {
            return Feed(all);
        }
    }
}

impl Feed {
    /// The names of the events.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|event| event.kind.as_str()).collect()
    }

    /// The names of the events, but for their first words, and a member of their states.
    pub fn states(&self, member: &str) -> Vec<(&'static str, Value)> {
        let state = |event: &Event| {
            let state = event.state.as_ref().expect("a state");
            serde_json::from_str::<Value>(state.get()).expect("JSON")[member].clone()
        };
        let last = |event: &Event| event.kind.as_str().rsplit('.').next().expect("a word");
        self.0.iter().map(|event| (last(event), state(event))).collect()
    }
}
