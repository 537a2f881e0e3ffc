//! The gate of the server: the one place that holds the database and decides who passes.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::credentials::cache::{Cache, Hashes, LookUp};
use super::credentials::last_used::LastUsed;
use super::credentials::revocations;
use super::credentials::secret::{Kind, Secret};
use super::credentials::single_flight::SingleFlight;
use super::credentials::store::{self, CredentialRow};
use super::error::{CredentialError, Error};
use super::grants::Scope;
use super::throttle::Throttle;
use crate::db::{self, Database, PoolerMode};
use crate::domain::{ApiKeyId, ApiKeyScopes, Clock};

/// Decides who passes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Authenticator {
    database: Database,
    clock: Clock,
    cache: Cache,
    single_flight: SingleFlight,
    last_used: LastUsed,
    throttle: Throttle,
}

/// Somebody who passed.
#[derive(Debug)]
pub(super) struct Caller {
    pub scope: Scope,
    pub api_key_id: ApiKeyId,
    pub scopes: ApiKeyScopes,
}

impl Authenticator {
    /// A gate in front of `database` that lets callers ask as often as they like.
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> Self {
        Self {
            database,
            clock,
            cache: Cache::new(),
            single_flight: SingleFlight::default(),
            last_used: LastUsed::default(),
            throttle: Throttle::default(),
        }
    }

    /// The same with limits on how often.
    #[must_use]
    pub fn with_throttle(self, throttle: Throttle) -> Self {
        Self { throttle, ..self }
    }

    /// The limits on how often.
    #[must_use]
    pub fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// Whether the database can be used; see [`Database::check_ready`].
    ///
    /// # Errors
    /// [`db::Error::Unavailable`] when not.
    pub async fn check_ready(&self) -> Result<(), db::Error> {
        self.database.check_ready().await
    }

    /// Writes down when keys and connections were last used, all in one statement. Called every minute and at the
    /// end, so that a request never costs this write.
    ///
    /// # Errors
    /// When the database fails; what was to be written is kept for the next time.
    pub async fn flush_last_used(&self) -> Result<(), db::Error> {
        self.last_used.flush(&self.database).await
    }

    /// Whether revocations can be noticed as they happen: through a pooler in transaction mode nothing can be listened to.
    #[must_use]
    pub fn follows_revocations(&self) -> bool {
        self.database.pooling() == PoolerMode::Session
    }

    /// Notices revocations as they happen; without it they count within a second. For a task of its own.
    pub async fn follow_revocations(self) {
        revocations::follow(self.database, self.cache).await;
    }

    /// Whether a caller with these two secrets would pass. Nothing is granted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accepts(&self, key: &Secret, token: &Secret) -> Result<bool, db::Error> {
        match self.authenticate(key, token, None).await {
            Ok(_) => Ok(true),
            Err(Error::Database(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// What these secrets lead to, and whether that cost a look-up.
    async fn find(
        &self,
        hashes: Hashes,
        client: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<(Option<CredentialRow>, bool), Error> {
        let look_up = match self.cache.get(&hashes, now) {
            Ok(found) => return Ok((Some(found), false)),
            Err(look_up) => look_up,
        };
        if let Some(client) = client
            && !self.cache.last_known(&hashes).is_some_and(|found| errors_of(&found, now) == (None, None))
        {
            self.throttle.check_stranger(client, hashes).map_err(Error::TooManyFailures)?;
        }
        // Boxed when it is needed, because it is rare and large: each of hundreds that wait for it would hold its room.
        let found = self.single_flight.share(hashes, look_up, || Box::pin(self.look_up(hashes, look_up))).await?;
        Ok((found, true))
    }

    async fn look_up(&self, hashes: Hashes, look_up: LookUp) -> Result<Option<CredentialRow>, db::Error> {
        let found = store::find(&self.database, &hashes.0, &hashes.1).await?;
        match found {
            Some(found) if found.connection.is_some() => self.cache.keep(look_up, hashes, found),
            _ => self.cache.drop_pair(&hashes),
        }
        Ok(found)
    }

    /// Lets a caller in who shows two well-formed secrets of one project, neither revoked nor expired. A `client` that
    /// was refused too often is refused before the database is asked. Only refusals that cost a look-up count.
    pub(super) async fn authenticate(
        &self,
        key: &Secret,
        token: &Secret,
        client: Option<IpAddr>,
    ) -> Result<Caller, Error> {
        let now = self.clock.now();
        let (found, cost_a_look_up) = self.find((key.hash(), token.hash()), client, now).await?;
        let caller = self.judge(found, now);
        if let (Err(Error::Unauthenticated(_)), true, Some(client)) = (&caller, cost_a_look_up, client) {
            self.throttle.count_failure(client).map_err(Error::TooManyFailures)?;
        }
        caller
    }

    fn judge(&self, found: Option<CredentialRow>, now: DateTime<Utc>) -> Result<Caller, Error> {
        let Some(found) = found else {
            // Nothing is said of the token: it is nobody's business whether it exists.
            return Err(Error::Unauthenticated(vec![(Kind::ApiKey, CredentialError::Unknown)]));
        };
        let (key_flaw, token_flaw) = errors_of(&found, now);
        let CredentialRow { project_id, api_key, connection } = found;
        match (key_flaw, token_flaw, connection) {
            (None, None, Some(connection)) => {
                self.last_used.note(api_key.id, connection.id, now);
                let scope = Scope::new(self.database.clone(), project_id, connection.id, api_key.id);
                Ok(Caller { scope, api_key_id: api_key.id, scopes: api_key.scopes })
            }
            // Whoever shows a revoked key is not told about tokens either.
            (Some(flaw), ..) => Err(Error::Unauthenticated(vec![(Kind::ApiKey, flaw)])),
            (_, flaw, _) => {
                Err(Error::Unauthenticated(vec![(Kind::ConnectionToken, flaw.unwrap_or(CredentialError::Unknown))]))
            }
        }
    }
}

/// What is wrong with the key and with the token.
fn errors_of(found: &CredentialRow, now: DateTime<Utc>) -> (Option<CredentialError>, Option<CredentialError>) {
    let CredentialRow { api_key, connection, .. } = found;
    let token_flaw = match connection {
        None => Some(CredentialError::Unknown),
        Some(connection) => flaw(connection.revoked_at, connection.expires_at, now),
    };
    (flaw(api_key.revoked_at, api_key.expires_at, now), token_flaw)
}

fn flaw(
    revoked_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<CredentialError> {
    if revoked_at.is_some() {
        Some(CredentialError::Revoked)
    } else if expires_at.is_some_and(|end| end <= now) {
        Some(CredentialError::Expired)
    } else {
        None
    }
}
