//! Authenticates callers, and gives them their [`Scope`].

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::credentials::cache::{Cache, CredentialHashes, LookUpStart};
use super::credentials::last_used::LastUsed;
use super::credentials::revocations::Revocations;
use super::credentials::secret::{Kind, Secret};
use super::credentials::single_flight::SingleFlight;
use super::credentials::store::{self, CredentialRow};
use super::error::{CredentialError, Error};
use super::grants::{ProjectScope, Scope};
use super::throttle::Throttle;
use crate::db::{self, Database, Listener};
use crate::domain::{ApiKeyId, ApiKeyScopes, Clock};

/// Authenticates callers against the database, through a cache. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Authenticator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    clock: Clock,
    cache: Cache,
    single_flight: SingleFlight,
    last_used: LastUsed,
    throttle: Throttle,
}

/// In place of a token's hash where there is no token. It is the SHA-256 of no known text.
const NO_TOKEN: [u8; 32] = [0; 32];

/// An authenticated caller.
#[derive(Debug)]
pub(super) struct Caller {
    pub project: ProjectScope,
    /// `None` where no connection token was sent.
    pub connection: Option<Scope>,
    pub api_key_id: ApiKeyId,
    pub scopes: ApiKeyScopes,
    /// What was checked, to check it again.
    pub hashes: CredentialHashes,
}

impl Authenticator {
    /// An authenticator without limits.
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> Self {
        Self::with_throttle(database, clock, Throttle::default())
    }

    /// An authenticator with limits.
    #[must_use]
    pub fn with_throttle(database: Database, clock: Clock, throttle: Throttle) -> Self {
        let (single_flight, last_used) = Default::default();
        Self(Arc::new(Inner { database, clock, cache: Cache::new(), single_flight, last_used, throttle }))
    }

    /// The limits.
    #[must_use]
    pub fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// Whether the database can be used; see [`Database::check_ready`].
    ///
    /// # Errors
    /// [`db::Error::Unavailable`] when not.
    pub async fn check_ready(&self) -> Result<(), db::Error> {
        self.0.database.check_ready().await
    }

    /// Writes when keys and connections were last used, all in one statement. Called every minute and at the end, so
    /// that no request costs a write.
    ///
    /// # Errors
    /// When the database fails. The times are kept for the next call.
    pub async fn flush_last_used(&self) -> Result<(), db::Error> {
        self.0.last_used.flush(&self.0.database).await
    }

    /// Applies revocations as they happen, where it is listened to. Without it they take effect within a second.
    #[must_use]
    pub fn revocations(&self) -> impl Listener + 'static {
        Revocations(self.0.cache.clone())
    }

    /// Whether these two secrets authenticate a caller. Grants nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accepts(&self, key: &Secret, token: &Secret) -> Result<bool, db::Error> {
        match self.authenticate(key, Some(token), None).await {
            Ok(_) => Ok(true),
            Err(Error::Database(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// The row of these secrets, and whether it took a look-up.
    async fn find(
        &self,
        hashes: CredentialHashes,
        client: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<(Option<CredentialRow>, bool), Error> {
        let start = match self.0.cache.get(&hashes, now) {
            Ok(row) => return Ok((Some(row), false)),
            Err(start) => start,
        };
        if let Some(client) = client
            && !self.0.cache.get_stale(&hashes).is_some_and(|row| errors_of(&row, hashes, now) == (None, None))
        {
            self.0.throttle.check_unknown(client, hashes).map_err(Error::TooManyFailures)?;
        }
        // Boxed, because it is rare and large: otherwise each of the hundreds that wait for it would reserve its size.
        let row = self.0.single_flight.run(hashes, start, || Box::pin(self.look_up(hashes, start))).await?;
        Ok((row, true))
    }

    async fn look_up(&self, hashes: CredentialHashes, start: LookUpStart) -> Result<Option<CredentialRow>, db::Error> {
        let row = store::find(&self.0.database, &hashes.0, &hashes.1).await?;
        match row {
            Some(row) if row.connection.is_some() || hashes.1 == NO_TOKEN => self.0.cache.insert(start, hashes, row),
            _ => self.0.cache.remove(&hashes),
        }
        Ok(row)
    }

    /// Authenticates a caller by a key, and by a connection token of the same project where it sent one; neither may be
    /// revoked or expired. A `client` that failed too often is refused before the database is asked. Only failures that
    /// cost a look-up count.
    pub(super) async fn authenticate(
        &self,
        key: &Secret,
        token: Option<&Secret>,
        client: Option<IpAddr>,
    ) -> Result<Caller, Error> {
        self.verify((key.hash(), token.map_or(NO_TOKEN, Secret::hash)), client).await
    }

    /// The number of revocations that this server has heard of.
    pub(super) fn generation(&self) -> u64 {
        self.0.cache.generation()
    }

    /// The caller, unless a secret is not valid. A caller without a valid key learns nothing of the token.
    pub(super) async fn verify(&self, hashes: CredentialHashes, client: Option<IpAddr>) -> Result<Caller, Error> {
        let now = self.0.clock.now();
        let (row, was_looked_up) = self.find(hashes, client, now).await?;
        let errors = row.as_ref().map_or((Some(CredentialError::Unknown), None), |row| errors_of(row, hashes, now));
        let error = match (errors, row) {
            ((None, None), Some(CredentialRow { project_id, api_key, connection })) => {
                self.0.last_used.record(api_key.id, connection.map(|connection| connection.id), now);
                let database = || self.0.database.clone();
                return Ok(Caller {
                    project: ProjectScope::new(database(), project_id, api_key.id),
                    connection: connection.map(|row| Scope::of_caller(database(), project_id, &row, api_key.id)),
                    api_key_id: api_key.id,
                    scopes: api_key.scopes,
                    hashes,
                });
            }
            ((None, token_error), _) => (Kind::ConnectionToken, token_error.unwrap_or(CredentialError::Unknown)),
            ((Some(key_error), _), _) => (Kind::ApiKey, key_error),
        };
        if let (true, Some(client)) = (was_looked_up, client) {
            self.0.throttle.count_failure(client).map_err(Error::TooManyFailures)?;
        }
        Err(Error::Unauthenticated(vec![error]))
    }
}

/// What is wrong with the key and with the token.
fn errors_of(
    row: &CredentialRow,
    hashes: CredentialHashes,
    now: DateTime<Utc>,
) -> (Option<CredentialError>, Option<CredentialError>) {
    let CredentialRow { api_key, connection, .. } = row;
    let token_error = match connection {
        None if hashes.1 == NO_TOKEN => None,
        None => Some(CredentialError::Unknown),
        Some(connection) => error_of(connection.revoked_at, connection.expires_at, now),
    };
    (error_of(api_key.revoked_at, api_key.expires_at, now), token_error)
}

fn error_of(
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
