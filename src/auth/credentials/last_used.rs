//! When keys and connections were last used, without a write per request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::store;
use crate::db::{self, Database};
use crate::domain::{ApiKeyId, ConnectionId};

/// Uses since the last flush. The number of keys and connections that exist limits its size.
#[derive(Debug, Clone, Default)]
pub(in crate::auth) struct LastUsed(Arc<Mutex<Uses>>);

#[derive(Debug, Default)]
struct Uses {
    api_keys: HashMap<Uuid, DateTime<Utc>>,
    connections: HashMap<Uuid, DateTime<Utc>>,
}

impl LastUsed {
    /// Records a use of a key, and of a connection where its token was sent.
    pub(in crate::auth) fn record(&self, key: ApiKeyId, connection: Option<ConnectionId>, now: DateTime<Utc>) {
        // A panic elsewhere cannot leave a half-written record, so a poisoned lock is taken as it is.
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uses.api_keys.insert(key.0, now);
        if let Some(connection) = connection {
            uses.connections.insert(connection.0, now);
        }
    }

    /// Writes the recorded uses to the database.
    ///
    /// # Errors
    /// When the database fails. The uses stay recorded for the next flush.
    pub(in crate::auth) async fn flush(&self, database: &Database) -> Result<(), db::Error> {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.api_keys.is_empty() {
            return Ok(());
        }
        let result = store::write_last_used(database, &taken.api_keys, &taken.connections).await;
        if result.is_err() {
            // Uses that were recorded meanwhile are newer and stay.
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
