//! Notifications of Postgres, on one session for all that listen: a session costs the database more than a channel.

use std::time::Duration;

use super::database::Database;
use super::error::Error;

/// The time between two attempts to listen.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Hears the notifications of one channel.
pub trait Listener: Send + Sync {
    /// The channel.
    fn channel(&self) -> &'static str;

    /// The channel is listened to from now on. What was notified before was missed.
    fn begun(&self);

    /// A notification has arrived, with this text.
    fn notified(&self, payload: &str);
}

/// Listens until it is aborted, and again a second after a session is lost. Not for a pooler in transaction mode: there
/// `listen` would run on a session that belongs to another client in the next moment.
pub async fn follow_notifications(database: Database, listeners: Vec<Box<dyn Listener>>) {
    let mut was_lost = false;
    loop {
        if let Err(error) = until_lost(&database, &listeners, &mut was_lost).await
            && !std::mem::replace(&mut was_lost, true)
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "revocations and events of other servers may take a second to be noticed"
            );
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
}

/// Listens until the session breaks. `was_lost` is whether an earlier attempt failed.
async fn until_lost(database: &Database, listeners: &[Box<dyn Listener>], was_lost: &mut bool) -> Result<(), Error> {
    let mut session = database.listener().await?;
    session.listen_all(listeners.iter().map(|listener| listener.channel())).await?;
    for listener in listeners {
        listener.begun();
    }
    if std::mem::take(was_lost) {
        tracing::info!("revocations and events of other servers are noticed at once again");
    }
    while let Some(notification) = session.try_recv().await? {
        for listener in listeners.iter().filter(|listener| listener.channel() == notification.channel()) {
            listener.notified(notification.payload());
        }
    }
    Ok(())
}
