//! Hears of revocations, whichever server, console or person at the database they come from, and makes the cache forget.

use std::time::Duration;

use super::cache::Cache;
use crate::db::{Database, Error};

/// What the triggers of `migrations/20261125000001_revocations.sql` notify.
const CHANNEL: &str = "unibooks_callers";
/// How long to wait before a new attempt to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens until it is aborted. While it cannot, entries of the cache live to their end. Not for a pooler in transaction
/// mode: `listen` would run on a session that belongs to another client in the next moment.
pub(in crate::auth) async fn follow(database: Database, cache: Cache) {
    let mut deaf = false;
    loop {
        if let Err(error) = listen(&database, &cache, &mut deaf).await
            && !std::mem::replace(&mut deaf, true)
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "revocations may take a second to be noticed");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Listens until the connection breaks.
async fn listen(database: &Database, cache: &Cache, deaf: &mut bool) -> Result<(), Error> {
    let mut listener = database.listener().await?;
    listener.listen(CHANNEL).await?;
    // What was said until now was missed.
    cache.forget();
    if std::mem::take(deaf) {
        tracing::info!("revocations are noticed at once again");
    }
    while listener.try_recv().await?.is_some() {
        cache.forget();
    }
    Ok(())
}
