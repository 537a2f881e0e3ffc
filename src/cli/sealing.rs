//! Says at the start which stored credentials cannot be opened.

use crate::auth::Operator;
use crate::db::{self, Database};
use crate::management::connections::{self, MissingKey};
use crate::sealed::SealingKeys;

/// Logs each key that sealed credentials and is missing. The server starts all the same: only the payments of these
/// connections wait.
///
/// # Errors
/// When the database fails.
pub async fn warn_of_missing_keys(database: &Database, keys: Option<&SealingKeys>) -> Result<(), db::Error> {
    let missing = connections::missing_keys(&Operator::from_cli(database.clone()), keys).await?;
    for MissingKey { key, connections } in missing {
        let key = key.unwrap_or_else(|| "of a later version".to_owned());
        tracing::error!(
            key,
            connections,
            "stored credentials cannot be opened: their sealing key is not in UNIBOOKS_SEALING_KEYS"
        );
    }
    Ok(())
}
