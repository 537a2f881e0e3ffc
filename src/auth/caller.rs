//! The extractors: named after what they grant.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::authenticator::{Authenticator, Caller};
use super::credentials::secret::{Kind, Secret};
use super::error::{CredentialError, Error};
use super::grants::Scope;
use crate::http::admission::Admission;

/// The right to read the rows of a connection.
#[derive(Debug)]
pub struct CanRead(pub Scope);

/// The right to read and to write them. The request takes its place when its body has arrived
/// ([`crate::http::request::JsonBody`]).
#[derive(Debug)]
pub struct CanWrite(pub Scope);

impl<S> FromRequestParts<S> for CanRead
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Caller { scope, .. } = authenticate(parts, &Authenticator::from_ref(state)).await?;
        if let Some(admission) = Admission::of(&parts.extensions) {
            admission.enter().map_err(Error::NotAdmitted)?;
        }
        Ok(Self(scope))
    }
}

impl<S> FromRequestParts<S> for CanWrite
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Caller { scope, read_only, .. } = authenticate(parts, &Authenticator::from_ref(state)).await?;
        if read_only { Err(Error::ReadOnlyKey) } else { Ok(Self(scope)) }
    }
}

async fn authenticate(parts: &Parts, authenticator: &Authenticator) -> Result<Caller, Error> {
    let key = secret(&parts.headers, "x-api-key", Kind::ApiKey);
    let token = secret(&parts.headers, "x-connection-token", Kind::ConnectionToken);
    let client = authenticator.throttle().client_of(parts);
    let caller = match (&key, &token) {
        (Ok(key), Ok(token)) => authenticator.authenticate(key, token, Some(client)).await,
        // Both headers are looked at, so that a caller who forgot both learns it at once.
        _ => Err(Error::Unauthenticated([key.err(), token.err()].into_iter().flatten().collect())),
    };
    if let Err(Error::Unauthenticated(_) | Error::TooManyFailures(_)) = caller {
        tracing::Span::current().record("client_address", tracing::field::display(client));
    }
    let caller = caller?;
    // All at once: the log's format writes the span's fields anew for each call.
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
