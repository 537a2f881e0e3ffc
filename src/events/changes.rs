//! Says within this process, and from other servers, that a project has changed.

use tokio::sync::broadcast;

use crate::db::Listener;
use crate::domain::ProjectId;

/// The most projects that a slow listener has not heard of yet. A listener that lags looks at all of them.
const CAPACITY: usize = 1_024;

/// Which projects have changed. Cheap to clone: all clones share their listeners.
#[derive(Debug, Clone)]
pub struct Changes(broadcast::Sender<ProjectId>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }
}

impl Changes {
    /// A change of this project is committed. Returns at once; without listeners nothing happens.
    pub fn notify(&self, project: ProjectId) {
        // An error means that nobody listens.
        self.0.send(project).ok();
    }

    /// The projects that change from now on. A change on another server may come here late or not at all, so a listener
    /// also looks at times.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<ProjectId> {
        self.0.subscribe()
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
