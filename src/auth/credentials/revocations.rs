//! Invalidates the cache when a key or a connection is revoked by another server, at the command line or by hand.

use std::time::Duration;

use super::cache::Cache;
use crate::db::{Database, Error};

/// The channel that the triggers of `migrations/20261125000001_revocations.sql` notify.
const CHANNEL: &str = "unibooks_callers";
/// The time between two attempts to listen.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Listens until it is aborted. While it cannot listen, cache entries live until they expire. Not for a pooler in
/// transaction mode: there `listen` would run on a session that belongs to another client in the next moment.
pub(in crate::auth) async fn follow(database: Database, cache: Cache) {
    let mut was_lost = false;
    loop {
        if let Err(error) = listen(&database, &cache, &mut was_lost).await
            && !std::mem::replace(&mut was_lost, true)
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "revocations may take a second to be noticed");
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
}

/// Listens until the session breaks. `was_lost` is whether an earlier attempt failed.
async fn listen(database: &Database, cache: &Cache, was_lost: &mut bool) -> Result<(), Error> {
    let mut listener = database.listener().await?;
    listener.listen(CHANNEL).await?;
    // Notifications before this moment were missed.
    cache.invalidate();
    if std::mem::take(was_lost) {
        tracing::info!("revocations are noticed at once again");
    }
    while listener.try_recv().await?.is_some() {
        cache.invalidate();
    }
    Ok(())
}
