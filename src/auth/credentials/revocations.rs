//! Invalidates the cache when a key or a connection is revoked by another server, at the command line or by hand.

use super::cache::Cache;
use crate::db::Listener;

/// Hears of revocations. While nothing can be heard, cache entries live until they expire.
pub(in crate::auth) struct Revocations(pub Cache);

impl Listener for Revocations {
    /// The channel that the triggers of `migrations/20261125000001_revocations.sql` notify.
    fn channel(&self) -> &'static str {
        "unibooks_callers"
    }

    fn begun(&self) {
        self.0.invalidate();
    }

    fn notified(&self, _payload: &str) {
        self.0.invalidate();
    }
}
