//! The secrets of an endpoint: sealed in the database, opened to sign.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;

use crate::domain::WebhookEndpointId;
use crate::sealed::{OpenError, SealingKeys};
use crate::webhooks::signature::{InvalidSecret, SigningSecret};

/// How long a secret that was replaced still signs, so that receivers can change theirs without a gap.
const OVERLAP: TimeDelta = TimeDelta::days(1);

/// The sealed secrets of an endpoint.
#[derive(Debug, Clone)]
pub struct SealedSecrets {
    /// The present one.
    pub current: Vec<u8>,
    /// The one before, and until when it still signs.
    pub previous: Option<(Vec<u8>, DateTime<Utc>)>,
}

/// The secrets of an endpoint that sign, the present one first.
pub type Secrets = Vec<SigningSecret>;

/// Why stored secrets cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The keys do not open them.
    #[error(transparent)]
    Sealed(#[from] OpenError),
    /// What was sealed is no secret.
    #[error(transparent)]
    Invalid(#[from] InvalidSecret),
}

impl SealedSecrets {
    /// Seals the first secret of an endpoint. It opens for this endpoint only.
    #[must_use]
    pub fn seal(keys: &SealingKeys, endpoint: WebhookEndpointId, secret: &SigningSecret) -> Self {
        Self { current: keys.seal(secret.text(), endpoint.0.as_bytes()), previous: None }
    }

    /// Opens those that sign at `now`, the present one first.
    ///
    /// # Errors
    /// When the keys do not open them.
    pub fn open(
        &self,
        keys: &SealingKeys,
        endpoint: WebhookEndpointId,
        now: DateTime<Utc>,
    ) -> Result<Secrets, Unusable> {
        let previous = self.previous.iter().filter(|(_, until)| now < *until).map(|(sealed, _)| sealed);
        let opened = [&self.current].into_iter().chain(previous).map(|sealed| {
            let text = keys.open(sealed, endpoint.0.as_bytes())?;
            Ok(text.expose_secret().parse()?)
        });
        opened.collect()
    }

    /// Whether another key than the first one sealed one of them.
    #[must_use]
    pub fn needs_reseal(&self, keys: &SealingKeys) -> bool {
        let previous = self.previous.iter().map(|(sealed, _)| sealed);
        [&self.current].into_iter().chain(previous).any(|sealed| keys.needs_reseal(sealed))
    }

    /// The same secrets, sealed with the first key.
    ///
    /// # Errors
    /// When the keys do not open them.
    pub fn resealed(&self, keys: &SealingKeys, endpoint: WebhookEndpointId) -> Result<Self, Unusable> {
        let bound_to = endpoint.0.as_bytes();
        let reseal = |sealed: &[u8]| Ok::<_, Unusable>(keys.seal(&keys.open(sealed, bound_to)?, bound_to));
        let previous = self.previous.as_ref().map(|(sealed, until)| Ok::<_, Unusable>((reseal(sealed)?, *until)));
        Ok(Self { current: reseal(&self.current)?, previous: previous.transpose()? })
    }

    /// The same with a new secret. The present one still signs for a day.
    #[must_use]
    pub fn rotated(
        self,
        keys: &SealingKeys,
        endpoint: WebhookEndpointId,
        secret: &SigningSecret,
        now: DateTime<Utc>,
    ) -> Self {
        Self { previous: Some((self.current, now + OVERLAP)), ..Self::seal(keys, endpoint, secret) }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn replaced_secret_signs_for_a_day_and_no_other_endpoint() {
        let keys: SealingKeys = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse().expect("a key");
        let [first, second] = [1, 2].map(|seed| SigningSecret::generate(&mut StdRng::seed_from_u64(seed)));
        let now = DateTime::UNIX_EPOCH;
        let [id, other] = [1, 2].map(|seconds| WebhookEndpointId::new(now + TimeDelta::seconds(seconds)));
        let sealed = SealedSecrets::seal(&keys, id, &first).rotated(&keys, id, &second, now);
        let open = |moment| sealed.open(&keys, id, moment).expect("opened");
        assert_eq!(open(now + TimeDelta::hours(24) - TimeDelta::seconds(1)), [second.clone(), first]);
        assert_eq!(open(now + TimeDelta::hours(24)), [second]);
        assert_eq!(sealed.open(&keys, other, now), Err(Unusable::Sealed(OpenError::Rejected)));
    }
}
