//! The extractors of handlers: who is calling, and whether the key may do what the handler does.

use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::authenticator::{Authenticator, Caller};
use super::credentials::secret::{Kind, Secret};
use super::error::{CredentialError, Error};
use super::grants::{ProjectScope, Scope};
use super::required_scope::RequiredScope;
use super::revalidation::Revalidation;
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
        let Caller { connection, scopes, .. } = authenticate(parts, &Authenticator::from_ref(state), true).await?;
        let unknown = || Error::Unauthenticated(vec![(Kind::ConnectionToken, CredentialError::Unknown)]);
        let scope = connection.ok_or_else(unknown)?;
        check_scope(scopes, S::SCOPE)?;
        enter(parts)?;
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

/// The right of a caller whose key has the scope `S`, where no connection token is needed.
#[derive(Debug)]
pub struct CanInProject<S> {
    /// The rows of the project.
    pub project: ProjectScope,
    /// The rows of one connection, if the caller sent its token: then the call is about this connection alone.
    pub connection: Option<Scope>,
    /// Whether the caller still has this right: for a response that goes on.
    pub revalidation: Revalidation,
    required: PhantomData<S>,
}

impl<S, St> FromRequestParts<St> for CanInProject<S>
where
    S: RequiredScope,
    St: Send + Sync,
    Authenticator: FromRef<St>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &St) -> Result<Self, Error> {
        let authenticator = Authenticator::from_ref(state);
        let Caller { project, connection, scopes, hashes, .. } = authenticate(parts, &authenticator, false).await?;
        check_scope(scopes, S::SCOPE)?;
        enter(parts)?;
        let revalidation = Revalidation::new(authenticator, hashes);
        Ok(Self { project, connection, revalidation, required: PhantomData })
    }
}

/// Counts a request without a body among those that are served. One with a body enters when its body has arrived
/// ([`crate::http::request::JsonBody`]).
fn enter(parts: &Parts) -> Result<(), Error> {
    match Admission::of(&parts.extensions) {
        Some(admission) if parts.method.is_safe() => admission.enter().map_err(Error::NotAdmitted),
        _ => Ok(()),
    }
}

const KEY: &str = "x-api-key";
const TOKEN: &str = "x-connection-token";

/// Authenticates the request, notes the caller in the log's span and identifies it to the admission. A token that was
/// sent is checked, also where none is needed.
async fn authenticate(parts: &Parts, authenticator: &Authenticator, needs_token: bool) -> Result<Caller, Error> {
    let key = secret(&parts.headers, KEY, Kind::ApiKey);
    let has_token = needs_token || parts.headers.contains_key(TOKEN);
    let token = has_token.then(|| secret(&parts.headers, TOKEN, Kind::ConnectionToken)).transpose();
    let client = authenticator.throttle().client_of(parts);
    let caller = match (&key, &token) {
        (Ok(key), Ok(token)) => authenticator.authenticate(key, token.as_ref(), Some(client)).await,
        // Both headers are checked, so that a caller who forgot both learns it at once.
        _ => Err(Error::Unauthenticated([key.err(), token.err()].into_iter().flatten().collect())),
    };
    if let Err(Error::Unauthenticated(_) | Error::TooManyFailures(_)) = caller {
        tracing::Span::current().record("client_address", tracing::field::display(client));
    }
    let caller = caller?;
    let (span, project_id, api_key_id) = (tracing::Span::current(), caller.project.project_id(), caller.api_key_id);
    // All at once, because the log's format writes all fields of the span again with each call.
    match caller.connection.as_ref().map(Scope::connection_id) {
        Some(connection_id) => tracing::record_all!(
            span,
            project_id = %project_id,
            connection_id = %connection_id,
            api_key_id = %api_key_id,
        ),
        None => tracing::record_all!(span, project_id = %project_id, api_key_id = %api_key_id),
    }
    if let Some(admission) = Admission::of(&parts.extensions) {
        admission.identify(api_key_id, authenticator.throttle().requests()).map_err(Error::NotAdmitted)?;
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
