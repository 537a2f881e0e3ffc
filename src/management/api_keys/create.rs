//! Creates an API key.

use chrono::{DateTime, Utc};

use super::{ApiKey, store};
use crate::auth::{OperatorTransaction, Secret, secret};
use crate::domain::{ApiKeyId, ApiKeyScopes, DisplayName, ProjectId};
use crate::management::{Credential, Error};

/// What is asked for in a new API key.
#[derive(Debug)]
pub struct NewApiKey {
    /// The project that it is for.
    pub project_id: ProjectId,
    /// What to call it.
    pub name: DisplayName,
    /// What it may do.
    pub scopes: ApiKeyScopes,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Creates an API key in a transaction. This is the only time that its secret can be shown.
///
/// # Errors
/// When there is no such project, or when the database fails.
pub async fn create(
    transaction: &mut OperatorTransaction,
    new: NewApiKey,
    now: DateTime<Utc>,
) -> Result<(ApiKey, Secret), Error> {
    let NewApiKey { project_id, name, scopes, expires_at } = new;
    let secret = Secret::generate(secret::Kind::ApiKey, &mut rand::rng());
    let credential = Credential::new(&secret, expires_at, now);
    let key = ApiKey { id: ApiKeyId::new(now), project_id, name, scopes, credential };
    store::insert(transaction, &key, &secret).await.map_err(|error| Error::of_insert(error, project_id))?;
    Ok((key, secret))
}
