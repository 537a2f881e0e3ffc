//! The extractors: named after what they grant.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::error::{Error, Flaw};
use super::gate::{Admitted, Gate};
use super::scope::Scope;
use super::secret::{Kind, Secret};
use crate::http::admission::Admission;

/// The right to read the rows of a connection.
#[derive(Debug)]
pub struct CanRead(pub Scope);

/// The right to read and to write them. The request takes its place when its body has arrived
/// ([`crate::http::JsonBody`]).
#[derive(Debug)]
pub struct CanWrite(pub Scope);

impl<S> FromRequestParts<S> for CanRead
where
    S: Send + Sync,
    Gate: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Admitted { scope, .. } = admit(parts, &Gate::from_ref(state)).await?;
        if let Some(admission) = Admission::of(&parts.extensions) {
            admission.enter().map_err(Error::NotAdmitted)?;
        }
        Ok(Self(scope))
    }
}

impl<S> FromRequestParts<S> for CanWrite
where
    S: Send + Sync,
    Gate: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Admitted { scope, read_only, .. } = admit(parts, &Gate::from_ref(state)).await?;
        if read_only { Err(Error::ReadOnlyKey) } else { Ok(Self(scope)) }
    }
}

async fn admit(parts: &Parts, gate: &Gate) -> Result<Admitted, Error> {
    let key = secret(&parts.headers, "x-api-key", Kind::ApiKey);
    let token = secret(&parts.headers, "x-connection-token", Kind::ConnectionToken);
    let client = gate.throttle().client_of(parts);
    let admitted = match (&key, &token) {
        (Ok(key), Ok(token)) => gate.admit(key, token, Some(client)).await,
        // Both headers are looked at, so that a caller who forgot both learns it at once.
        _ => Err(Error::Unauthenticated([key.err(), token.err()].into_iter().flatten().collect())),
    };
    if let Err(Error::Unauthenticated(_) | Error::TooManyFailures(_)) = admitted {
        tracing::Span::current().record("client_address", tracing::field::display(client));
    }
    let admitted = admitted?;
    // All at once: the log's format writes the span's fields anew for each call.
    tracing::record_all!(
        tracing::Span::current(),
        project_id = %admitted.scope.project_id(),
        connection_id = %admitted.scope.connection_id(),
        api_key_id = %admitted.api_key_id,
    );
    if let Some(admission) = Admission::of(&parts.extensions) {
        admission.identify(admitted.api_key_id, gate.throttle().requests()).map_err(Error::NotAdmitted)?;
    }
    Ok(admitted)
}

fn secret(headers: &HeaderMap, name: &str, kind: Kind) -> Result<Secret, (Kind, Flaw)> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err((kind, Flaw::Missing)) };
    if value.is_empty() {
        return Err((kind, Flaw::Missing));
    }
    let text = value.to_str().map_err(|_| (kind, Flaw::Malformed))?;
    Secret::parse(kind, text).map_err(|_| (kind, Flaw::Malformed))
}
