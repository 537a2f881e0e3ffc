//! Creates an endpoint.

use super::store::{self, Inserted};
use super::{Endpoint, EndpointUrl, Endpoints, Error, PayloadFormat, SealedSecrets};
use crate::auth::ProjectScope;
use crate::domain::{ConnectionId, EventPattern, FreeText, WebhookEndpointId};
use crate::webhooks::signature::{SignatureScheme, SigningSecret};

/// The most endpoints of a project. Each of its events is matched with all of them.
const MAX_ENDPOINTS: i64 = 100;

/// What is asked for in a new endpoint.
#[derive(Debug)]
pub struct NewEndpoint {
    /// Where events are sent.
    pub url: EndpointUrl,
    /// What to call it.
    pub description: Option<FreeText>,
    /// The events that it gets; at least one.
    pub event_types: Vec<EventPattern>,
    /// Only the events of this connection; `None` for all of the project.
    pub connection_id: Option<ConnectionId>,
    /// The form of bodies.
    pub payload_format: PayloadFormat,
    /// How bodies are signed.
    pub signature_scheme: SignatureScheme,
}

impl Endpoints {
    /// Creates an endpoint. This is the only time that its secret can be shown.
    ///
    /// # Errors
    /// When its address may not be called, its connection is none of the project, or the project has too many.
    pub async fn create(&self, scope: &ProjectScope, new: NewEndpoint) -> Result<(Endpoint, SigningSecret), Error> {
        let keys = self.keys()?;
        if let Some(connection) = new.connection_id
            && !store::connection_exists(scope, connection).await?
        {
            return Err(Error::UnknownConnection(connection));
        }
        self.check_reach(&new.url).await?;
        let now = self.now();
        let id = WebhookEndpointId::new(now);
        let secret = SigningSecret::generate(&mut rand::rng());
        let endpoint = Endpoint {
            id,
            url: new.url,
            description: new.description,
            event_types: new.event_types,
            connection_id: new.connection_id,
            payload_format: new.payload_format,
            signature_scheme: new.signature_scheme,
            secrets: SealedSecrets::seal(keys, id, &secret),
            disabled: None,
            created_at: now,
            modified_at: now,
        };
        match store::insert(scope, &endpoint, MAX_ENDPOINTS).await? {
            Inserted::Stored => Ok((endpoint, secret)),
            Inserted::TooMany => Err(Error::TooMany(MAX_ENDPOINTS)),
            Inserted::NoSuchProject => Err(Error::NoSuchProject(scope.project_id())),
        }
    }
}
