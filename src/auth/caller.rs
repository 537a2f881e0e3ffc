//! The extractor of the accounting API: who is calling, and whether the key may do what the handler does.

use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::authenticator::{Authenticator, Caller};
use super::credentials::secret::{Kind, Secret};
use super::error::{CredentialError, Error};
use super::grants::Scope;
use super::required_scope::RequiredScope;
use crate::domain::{ApiKeyScope, ApiKeyScopes};
use crate::http::admission::Admission;

/// The right of a caller whose key has the scope `S`, for example `Can<PaymentsRead>`.
#[derive(Debug)]
pub struct Can<S> {
    /// The rows that the caller may touch.
    pub scope: Scope,
    required: PhantomData<S>,
}

impl<S, St> FromRequestParts<St> for Can<S>
where
    S: RequiredScope,
    St: Send + Sync,
    Authenticator: FromRef<St>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &St) -> Result<Self, Error> {
        let Caller { scope, scopes, .. } = authenticate(parts, &Authenticator::from_ref(state)).await?;
        check_scope(scopes, S::SCOPE)?;
        // A request with a body enters when its body has arrived ([`crate::http::request::JsonBody`]).
        if parts.method.is_safe()
            && let Some(admission) = Admission::of(&parts.extensions)
        {
            admission.enter().map_err(Error::NotAdmitted)?;
        }
        Ok(Self { scope, required: PhantomData })
    }
}

/// Whether a key with these scopes may do what needs `required`.
fn check_scope(scopes: ApiKeyScopes, required: ApiKeyScope) -> Result<(), Error> {
    if scopes.contains(required) {
        Ok(())
    } else if scopes == ApiKeyScopes::PAYMENTS_READ && required == ApiKeyScope::PaymentsWrite {
        Err(Error::ReadOnlyKey)
    } else {
        Err(Error::MissingScope(required))
    }
}

/// Authenticates the request, notes the caller in the log's span and identifies it to the admission.
async fn authenticate(parts: &Parts, authenticator: &Authenticator) -> Result<Caller, Error> {
    let key = secret(&parts.headers, "x-api-key", Kind::ApiKey);
    let token = secret(&parts.headers, "x-connection-token", Kind::ConnectionToken);
    let client = authenticator.throttle().client_of(parts);
    let caller = match (&key, &token) {
        (Ok(key), Ok(token)) => authenticator.authenticate(key, token, Some(client)).await,
        // Both headers are checked, so that a caller who forgot both learns it at once.
        _ => Err(Error::Unauthenticated([key.err(), token.err()].into_iter().flatten().collect())),
    };
    if let Err(Error::Unauthenticated(_) | Error::TooManyFailures(_)) = caller {
        tracing::Span::current().record("client_address", tracing::field::display(client));
    }
    let caller = caller?;
    // All at once, because the log's format writes all fields of the span again with each call.
    tracing::record_all!(
        tracing::Span::current(),
        project_id = %caller.scope.project_id(),
        connection_id = %caller.scope.connection_id(),
        api_key_id = %caller.api_key_id,
    );
    if let Some(admission) = Admission::of(&parts.extensions) {
        admission.identify(caller.api_key_id, authenticator.throttle().requests()).map_err(Error::NotAdmitted)?;
    }
    Ok(caller)
}

fn secret(headers: &HeaderMap, name: &str, kind: Kind) -> Result<Secret, (Kind, CredentialError)> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err((kind, CredentialError::Missing)) };
    if value.is_empty() {
        return Err((kind, CredentialError::Missing));
    }
    let text = value.to_str().map_err(|_| (kind, CredentialError::Malformed))?;
    Secret::parse(kind, text).map_err(|_| (kind, CredentialError::Malformed))
}
