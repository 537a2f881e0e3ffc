//! When keys and connections were last used, without a write per request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::store;
use crate::db::{self, Database};
use crate::domain::{ApiKeyId, ConnectionId};

/// Uses since the last flush. Its size is bounded by the number of keys and connections that exist.
#[derive(Debug, Clone, Default)]
pub(in crate::auth) struct LastUsed(Arc<Mutex<Uses>>);

#[derive(Debug, Default)]
struct Uses {
    api_keys: HashMap<Uuid, DateTime<Utc>>,
    connections: HashMap<Uuid, DateTime<Utc>>,
}

impl LastUsed {
    pub(in crate::auth) fn note(&self, key: ApiKeyId, connection: ConnectionId, now: DateTime<Utc>) {
        // A panic elsewhere cannot leave half a note behind: take the map as it is.
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uses.api_keys.insert(key.0, now);
        uses.connections.insert(connection.0, now);
    }

    pub(in crate::auth) async fn flush(&self, database: &Database) -> Result<(), db::Error> {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.api_keys.is_empty() {
            return Ok(());
        }
        let result = store::write_last_used(database, &taken.api_keys, &taken.connections).await;
        if result.is_err() {
            // Kept for the next time; what was noted meanwhile is newer.
            let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (id, at) in taken.api_keys {
                uses.api_keys.entry(id).or_insert(at);
            }
            for (id, at) in taken.connections {
                uses.connections.entry(id).or_insert(at);
            }
        }
        result
    }
}
