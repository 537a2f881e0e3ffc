//! Says at the start which stored credentials cannot be opened.

use crate::auth::Operator;
use crate::db::{self, Database};
use crate::management::connections::{self, MissingKey};
use crate::sealed::SealingKeys;
use crate::webhooks::endpoints;

/// In place of the name of a key that this version cannot read.
const LATER: &str = "of a later version";

/// Logs each key that sealed credentials and is missing. The server starts all the same: only the payments of these
/// connections and webhooks wait.
///
/// # Errors
/// When the database fails.
pub async fn warn_of_missing_keys(database: &Database, keys: Option<&SealingKeys>) -> Result<(), db::Error> {
    let operator = Operator::from_cli(database.clone());
    for MissingKey { key, connections } in connections::missing_keys(&operator, keys).await? {
        let key = key.unwrap_or_else(|| LATER.to_owned());
        tracing::error!(
            key,
            connections,
            "stored credentials cannot be opened: their sealing key is not in UNIBOOKS_SEALING_KEYS"
        );
    }
    for endpoints::MissingKey { key, endpoints } in endpoints::missing_keys(&operator, keys).await? {
        let key = key.unwrap_or_else(|| LATER.to_owned());
        tracing::error!(
            key,
            webhooks = endpoints,
            "webhooks cannot be signed: the sealing key of their secrets is not in UNIBOOKS_SEALING_KEYS"
        );
    }
    Ok(())
}
