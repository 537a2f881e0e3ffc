//! Scopes as types, so that the signature of a handler names what its callers need.

use crate::domain::ApiKeyScope;

/// A scope as a type: the parameter of [`super::Can`].
pub trait RequiredScope {
    /// The scope.
    const SCOPE: ApiKeyScope;
}

/// `payments:read`
#[derive(Debug)]
pub struct PaymentsRead;

impl RequiredScope for PaymentsRead {
    const SCOPE: ApiKeyScope = ApiKeyScope::PaymentsRead;
}

/// `payments:write`
#[derive(Debug)]
pub struct PaymentsWrite;

impl RequiredScope for PaymentsWrite {
    const SCOPE: ApiKeyScope = ApiKeyScope::PaymentsWrite;
}

/// `accounting:read`
#[derive(Debug)]
pub struct AccountingRead;

impl RequiredScope for AccountingRead {
    const SCOPE: ApiKeyScope = ApiKeyScope::AccountingRead;
}

/// `connections:read`
#[derive(Debug)]
pub struct ConnectionsRead;

impl RequiredScope for ConnectionsRead {
    const SCOPE: ApiKeyScope = ApiKeyScope::ConnectionsRead;
}

/// `connections:write`
#[derive(Debug)]
pub struct ConnectionsWrite;

impl RequiredScope for ConnectionsWrite {
    const SCOPE: ApiKeyScope = ApiKeyScope::ConnectionsWrite;
}

/// `webhooks:read`
#[derive(Debug)]
pub struct WebhooksRead;

impl RequiredScope for WebhooksRead {
    const SCOPE: ApiKeyScope = ApiKeyScope::WebhooksRead;
}

/// `webhooks:write`
#[derive(Debug)]
pub struct WebhooksWrite;

impl RequiredScope for WebhooksWrite {
    const SCOPE: ApiKeyScope = ApiKeyScope::WebhooksWrite;
}
