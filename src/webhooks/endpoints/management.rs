//! What the changes of endpoints need.

use chrono::{DateTime, Utc};

use super::{Endpoint, EndpointUrl, Error, Secrets};
use crate::domain::Clock;
use crate::outgoing::Client;
use crate::sealed::SealingKeys;

/// Creates and changes endpoints, for the command line and over HTTP. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Knows the addresses that may be called.
    client: Client,
    /// The keys that seal secrets; `None` when the operator has set none.
    keys: Option<SealingKeys>,
    clock: Clock,
}

impl Endpoints {
    /// Creates and changes endpoints that `client` calls.
    #[must_use]
    pub fn new(client: Client, keys: Option<SealingKeys>, clock: Clock) -> Self {
        Self { client, keys, clock }
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The keys that seal secrets.
    pub(super) fn keys(&self) -> Result<&SealingKeys, Error> {
        self.keys.as_ref().ok_or(Error::NoKeys)
    }

    /// The secrets of an endpoint that sign now, the present one first.
    ///
    /// # Errors
    /// [`Error::NoKeys`] and [`Error::Secrets`].
    pub fn secrets(&self, endpoint: &Endpoint) -> Result<Secrets, Error> {
        Ok(endpoint.secrets.open(self.keys()?, endpoint.id, self.now())?)
    }

    /// Refuses a URL whose host may not be called. Each delivery checks again, since names can be given other addresses.
    pub(super) async fn check_reach(&self, url: &EndpointUrl) -> Result<(), Error> {
        self.client.check_reach(url.as_str()).await.map_err(Error::Address)
    }
}
