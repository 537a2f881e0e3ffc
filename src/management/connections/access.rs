//! The way to the software behind a connection: its provider, its opened credentials, the HTTP client.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::time::Instant;

use super::Software;
use super::kept::Kept;
use crate::connectors::{Connector, Provider, Target, registry};
use crate::domain::ConnectionId;
use crate::outgoing::Client;
use crate::sealed::{OpenError, SealingKeys};

/// What calls to accounting software need. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Access {
    /// The software of a name: [`registry::find`].
    pub find: fn(&str) -> Option<&'static dyn Provider>,
    /// The keys that open stored credentials; `None` when the operator has set none.
    pub keys: Option<SealingKeys>,
    /// Makes the calls.
    pub client: Client,
    kept: Kept,
}

/// Why software cannot be called, in any state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAccess {
    /// A connection of a later version of this program.
    #[error("this version of unibooks has no connector for `{0}`")]
    UnknownProvider(String),
    /// There are no keys.
    #[error("UNIBOOKS_SEALING_KEYS is not set, so its credentials cannot be opened")]
    NoKeys,
    /// The keys do not open its credentials.
    #[error("its credentials cannot be opened: {0}")]
    Sealed(#[from] OpenError),
}

impl Access {
    /// Access to all software that this version has a connector for.
    #[must_use]
    pub fn new(keys: Option<SealingKeys>, client: Client) -> Self {
        Self { find: registry::find, keys, client, kept: Kept::default() }
    }

    /// The provider of a connection's software.
    ///
    /// # Errors
    /// [`NoAccess::UnknownProvider`].
    pub fn provider(&self, software: &Software) -> Result<&'static dyn Provider, NoAccess> {
        (self.find)(&software.provider).ok_or_else(|| NoAccess::UnknownProvider(software.provider.clone()))
    }

    /// The way to a connection's books that was used last, as long as its settings and secret are the same, or else a new
    /// one.
    ///
    /// # Errors
    /// When the provider or the keys are missing.
    pub fn kept(&self, connection: ConnectionId, software: &Software) -> Result<Arc<dyn Connector>, NoAccess> {
        let now = Instant::now();
        if let Some(connector) = self.kept.get(connection, software, now) {
            return Ok(connector);
        }
        let connector = Arc::from(self.connect(connection, software)?);
        self.kept.put(connection, software, &connector, now);
        Ok(connector)
    }

    /// The next call to a connection's software goes a new way: the one that was used has failed.
    pub fn forget(&self, connection: ConnectionId) {
        self.kept.forget(connection);
    }

    /// A new way to a connection's books. Nothing is sent yet.
    ///
    /// # Errors
    /// When the provider or the keys are missing.
    pub fn connect(&self, connection: ConnectionId, software: &Software) -> Result<Box<dyn Connector>, NoAccess> {
        let provider = self.provider(software)?;
        Ok(provider.connect(self.target(connection, software)?, self.client.clone()))
    }

    /// Where a connection's books are, with the opened secret.
    ///
    /// # Errors
    /// When the keys do not open it.
    pub fn target(&self, connection: ConnectionId, software: &Software) -> Result<Target, NoAccess> {
        Ok(Target {
            connection_id: connection,
            url: software.url.clone(),
            database: software.database.clone(),
            company: software.company.clone(),
            login: software.login.clone(),
            secret: self.secret(connection, software)?,
        })
    }

    /// The opened password or API key of a connection.
    pub(super) fn secret(&self, connection: ConnectionId, software: &Software) -> Result<SecretString, NoAccess> {
        let keys = self.keys.as_ref().ok_or(NoAccess::NoKeys)?;
        Ok(open(keys, connection, &software.sealed_secret)?)
    }
}

/// Seals the password or API key of a connection. It opens for this connection only.
pub(super) fn seal(keys: &SealingKeys, connection: ConnectionId, secret: &SecretString) -> Vec<u8> {
    keys.seal(secret, &bound_to(connection))
}

/// Opens what [`seal`] made for the same connection.
pub(super) fn open(keys: &SealingKeys, connection: ConnectionId, sealed: &[u8]) -> Result<SecretString, OpenError> {
    keys.open(sealed, &bound_to(connection))
}

/// What a sealed secret is bound to: the connection, and what the secret is for.
fn bound_to(connection: ConnectionId) -> Vec<u8> {
    [connection.0.as_bytes().as_slice(), b"connection"].concat()
}
