//! The keys of the sealed secrets: which are missing, and how one is replaced.

use super::{Unusable, store};
use crate::auth::Operator;
use crate::db;
use crate::domain::WebhookEndpointId;
use crate::management::projects;
use crate::sealed::{SealingKeys, key_id};

/// What became of the sealed secrets.
#[derive(Debug, Default)]
pub struct Resealed {
    /// How many endpoints have secrets that the first key seals now, and another one sealed before.
    pub resealed: usize,
    /// How many the first key had sealed already.
    pub unchanged: usize,
    /// Those that no key opens, and why.
    pub failed: Vec<(WebhookEndpointId, Unusable)>,
}

/// Seals every secret with the first key. Repeatable; one that is rotated meanwhile stays as it was rotated.
///
/// # Errors
/// When the database fails. What was sealed by then stays sealed.
pub async fn reseal(operator: &Operator, keys: &SealingKeys) -> Result<Resealed, db::Error> {
    let mut done = Resealed::default();
    for project in projects::list(operator).await? {
        let scope = operator.project(project.id);
        for endpoint in store::list(&scope).await? {
            if !endpoint.secrets.needs_reseal(keys) {
                done.unchanged += 1;
                continue;
            }
            match endpoint.secrets.resealed(keys, endpoint.id) {
                Ok(fresh) => {
                    store::rotate(&scope, endpoint.id, &endpoint.secrets, &fresh, endpoint.modified_at).await?;
                    done.resealed += 1;
                }
                Err(error) => done.failed.push((endpoint.id, error)),
            }
        }
    }
    Ok(done)
}

/// Secrets that cannot be opened because their key is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingKey {
    /// The name of the key; `None` for secrets that a later version of this program sealed.
    pub key: Option<String>,
    /// How many endpoints have such a secret.
    pub endpoints: i64,
}

/// The keys that sealed secrets and are not among `keys`.
///
/// # Errors
/// When the database fails.
pub async fn missing_keys(operator: &Operator, keys: Option<&SealingKeys>) -> Result<Vec<MissingKey>, db::Error> {
    let is_here = |id| keys.is_some_and(|keys| keys.ids().any(|here| here == id));
    let heads = store::sealing_heads(operator).await?.into_iter();
    let missing = heads.filter_map(|(head, endpoints)| match key_id(&head) {
        Some(id) if is_here(id) => None,
        id => Some(MissingKey { key: id.map(|id| id.to_string()), endpoints }),
    });
    Ok(missing.collect())
}
