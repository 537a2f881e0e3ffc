//! Checks a caller again, as long as its response goes on.

use std::time::Duration;

use tokio::time::Instant;

use super::authenticator::Authenticator;
use super::credentials::cache::CredentialHashes;
use super::error::Error;

/// How often the database is asked although no revocation was heard of: its notification may be lost, and credentials
/// expire.
const INTERVAL: Duration = Duration::from_secs(5);

/// The credentials of a caller whose response goes on.
#[derive(Debug)]
pub struct Revalidation {
    authenticator: Authenticator,
    hashes: CredentialHashes,
    generation: u64,
    checked_at: Instant,
}

impl Revalidation {
    /// They were valid a moment ago.
    pub(super) fn new(authenticator: Authenticator, hashes: CredentialHashes) -> Self {
        let generation = authenticator.generation();
        Self { authenticator, hashes, generation, checked_at: Instant::now() }
    }

    /// Whether the credentials are still valid. Costs nothing until a revocation is heard of, or some seconds have passed.
    /// While the database cannot be asked, they count as valid.
    pub async fn is_valid(&mut self) -> bool {
        let generation = self.authenticator.generation();
        if generation == self.generation && self.checked_at.elapsed() < INTERVAL {
            return true;
        }
        match self.authenticator.verify(self.hashes, None).await {
            Ok(_) => {
                (self.generation, self.checked_at) = (generation, Instant::now());
                true
            }
            Err(Error::Unauthenticated(_)) => false,
            // It is asked again with the next call.
            Err(_) => true,
        }
    }
}
