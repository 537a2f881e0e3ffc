//! Changes an endpoint, gives it another secret, removes it.

use super::{Disabled, DisabledReason, Endpoint, EndpointUrl, Endpoints, Error, PayloadFormat, store};
use crate::auth::ProjectScope;
use crate::domain::{EventPattern, FreeText, WebhookEndpointId};
use crate::webhooks::delivery;
use crate::webhooks::signature::{SignatureScheme, SigningSecret};

/// What is changed. `None` leaves a member as it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct EndpointChanges {
    /// Whether it gets events. `true` also ends what the server disabled.
    pub active: Option<bool>,
    /// Where events are sent.
    pub url: Option<EndpointUrl>,
    /// What to call it; an empty text for nothing.
    pub description: Option<FreeText>,
    /// The events that it gets; at least one.
    pub event_types: Option<Vec<EventPattern>>,
    /// The form of bodies.
    pub payload_format: Option<PayloadFormat>,
    /// How bodies are signed.
    pub signature_scheme: Option<SignatureScheme>,
}

impl Endpoints {
    /// Changes an endpoint.
    ///
    /// # Errors
    /// [`Error::NotFound`], or when its new address may not be called.
    pub async fn update(
        &self,
        scope: &ProjectScope,
        id: WebhookEndpointId,
        changes: EndpointChanges,
    ) -> Result<Endpoint, Error> {
        let EndpointChanges { active, url, description, event_types, payload_format, signature_scheme } = changes;
        let mut endpoint = store::find(scope, id).await?.ok_or(Error::NotFound)?;
        if let Some(url) = url {
            self.check_reach(&url).await?;
            endpoint.url = url;
        }
        if let Some(description) = description {
            endpoint.description = Some(description).filter(|text| !text.as_str().is_empty());
        }
        endpoint.event_types = event_types.unwrap_or(endpoint.event_types);
        endpoint.payload_format = payload_format.unwrap_or(endpoint.payload_format);
        endpoint.signature_scheme = signature_scheme.unwrap_or(endpoint.signature_scheme);
        let now = self.now();
        let mut transaction = scope.transaction().await?;
        match active {
            Some(true) if endpoint.disabled.take().is_some() => {
                // What happened meanwhile is not sent by itself: it is older than what follows.
                delivery::begin(&mut transaction, id, now).await?;
            }
            Some(false) => {
                endpoint.disabled.get_or_insert(Disabled { reason: DisabledReason::Paused, at: now });
            }
            Some(true) | None => {}
        }
        endpoint.modified_at = now;
        if !store::update(&mut transaction, &endpoint, active.is_some()).await? {
            return Err(Error::NotFound);
        }
        transaction.commit().await?;
        Ok(endpoint)
    }

    /// Gives an endpoint another secret. The present one still signs for a day. This is the only time that the new one can
    /// be shown.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Changed`] when somebody else rotated it at the same time.
    pub async fn rotate(
        &self,
        scope: &ProjectScope,
        id: WebhookEndpointId,
    ) -> Result<(Endpoint, SigningSecret), Error> {
        let keys = self.keys()?;
        let mut endpoint = store::find(scope, id).await?.ok_or(Error::NotFound)?;
        let secret = SigningSecret::generate(&mut rand::rng());
        let before = endpoint.secrets.clone();
        let now = self.now();
        endpoint.secrets = endpoint.secrets.rotated(keys, id, &secret, now);
        endpoint.modified_at = now;
        if store::rotate(scope, id, &before, &endpoint.secrets, now).await? {
            Ok((endpoint, secret))
        } else {
            Err(Error::Changed)
        }
    }

    /// Removes an endpoint, and returns it as it was.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&self, scope: &ProjectScope, id: WebhookEndpointId) -> Result<Endpoint, Error> {
        let endpoint = store::find(scope, id).await?.ok_or(Error::NotFound)?;
        if store::delete(scope, id).await? { Ok(endpoint) } else { Err(Error::NotFound) }
    }
}
