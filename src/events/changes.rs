//! Says within this process, and from other servers, that a project has changed.

use std::time::Duration;

use tokio::sync::broadcast;

use crate::db::{Database, Error};
use crate::domain::ProjectId;

/// The channel that is notified with a project's id when its feed has grown.
const CHANNEL: &str = "unibooks_events";
/// The most projects that a slow listener has not heard of yet. A listener that lags looks at all of them.
const CAPACITY: usize = 1_024;
/// The time between two attempts to listen.
const RETRY_DELAY: Duration = Duration::from_secs(1);

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

    /// Passes on what other servers notify, until it is aborted. Not for a pooler in transaction mode, where nothing can
    /// be listened to.
    pub async fn follow(self, database: Database) {
        let mut was_lost = false;
        loop {
            if let Err(error) = self.listen(&database, &mut was_lost).await
                && !std::mem::replace(&mut was_lost, true)
            {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "events of other servers may be seen a second late"
                );
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }

    /// Listens until the session breaks. `was_lost` is whether an earlier attempt failed.
    async fn listen(&self, database: &Database, was_lost: &mut bool) -> Result<(), Error> {
        let mut listener = database.listener().await?;
        listener.listen(CHANNEL).await?;
        if std::mem::take(was_lost) {
            tracing::info!("events of other servers are seen at once again");
        }
        while let Some(notification) = listener.try_recv().await? {
            if let Ok(project) = notification.payload().parse() {
                self.notify(project);
            }
        }
        Ok(())
    }
}
