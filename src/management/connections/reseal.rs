//! The keys of the sealed secrets: which are missing, and how one is replaced.

use super::{access, store};
use crate::auth::Operator;
use crate::db;
use crate::domain::ConnectionId;
use crate::sealed::{OpenError, SealingKeys, key_id};

/// What became of the sealed secrets.
#[derive(Debug, Default)]
pub struct Resealed {
    /// How many the first key seals now, and another one sealed before.
    pub resealed: usize,
    /// How many the first key had sealed already.
    pub unchanged: usize,
    /// Those that no key opens, and why.
    pub failed: Vec<(ConnectionId, OpenError)>,
}

/// Seals every secret with the first key. Repeatable; a secret that is changed meanwhile stays as it was changed.
///
/// # Errors
/// When the database fails. What was sealed by then stays sealed.
pub async fn reseal(operator: &Operator, keys: &SealingKeys) -> Result<Resealed, db::Error> {
    let mut done = Resealed::default();
    for (connection, sealed) in store::sealed_secrets(operator).await? {
        if !keys.needs_reseal(&sealed) {
            done.unchanged += 1;
            continue;
        }
        match access::open(keys, connection, &sealed) {
            Ok(secret) => {
                let fresh = access::seal(keys, connection, &secret);
                store::replace_secret(operator, connection, &sealed, &fresh).await?;
                done.resealed += 1;
            }
            Err(error) => done.failed.push((connection, error)),
        }
    }
    Ok(done)
}

/// Secrets that cannot be opened because their key is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingKey {
    /// The name of the key; `None` for secrets that a later version of this program sealed.
    pub key: Option<String>,
    /// How many connections have such a secret.
    pub connections: i64,
}

/// The keys that sealed secrets and are not among `keys`.
///
/// # Errors
/// When the database fails.
pub async fn missing_keys(operator: &Operator, keys: Option<&SealingKeys>) -> Result<Vec<MissingKey>, db::Error> {
    let is_here = |id| keys.is_some_and(|keys| keys.ids().any(|here| here == id));
    let heads = store::sealing_heads(operator).await?.into_iter();
    let missing = heads.filter_map(|(head, connections)| match key_id(&head) {
        Some(id) if is_here(id) => None,
        id => Some(MissingKey { key: id.map(|id| id.to_string()), connections }),
    });
    Ok(missing.collect())
}
