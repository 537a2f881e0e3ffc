//! Says within this process, and from other servers, that a project has changed.

use std::sync::{Arc, PoisonError, RwLock};

use crate::db::Listener;
use crate::domain::ProjectId;

/// Hears which projects have changed.
pub trait Subscriber: Send + Sync {
    /// A change of this project is committed. Returns at once, because a client waits for its answer.
    fn changed(&self, project: ProjectId);
}

/// Which projects have changed. Cheap to clone: all clones share their subscribers.
#[derive(Clone, Default)]
pub struct Changes(Arc<RwLock<Vec<Box<dyn Subscriber>>>>);

impl std::fmt::Debug for Changes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Changes")
    }
}

impl Changes {
    /// A change of this project is committed.
    pub fn notify(&self, project: ProjectId) {
        for subscriber in &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            subscriber.changed(project);
        }
    }

    /// From now on `subscriber` hears of changes. One on another server may come here late or not at all, so a subscriber
    /// also looks at times.
    pub fn subscribe(&self, subscriber: impl Subscriber + 'static) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(subscriber));
    }
}

/// Passes on what other servers notify.
impl Listener for Changes {
    /// The channel that is notified with a project's id when its feed has grown (`store/sequence.rs`).
    fn channel(&self) -> &'static str {
        "unibooks_events"
    }

    /// Nothing is done for what was missed: a reader of a feed also looks at times.
    fn begun(&self) {}

    fn notified(&self, payload: &str) {
        if let Ok(project) = payload.parse() {
            self.notify(project);
        }
    }
}
