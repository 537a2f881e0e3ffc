//! What an API key may do.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::ParseError;

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// One thing that an API key may do. Writing does not include reading.
        ///
        /// The names are those of the resources contract, section 4. `accounting:write` and `api_keys:write` have no
        /// calls yet. `projects:write` is not among them: it is for keys without a project, and every key has one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ApiKeyScope {
            $($(#[$doc])* $name,)*
        }

        impl ApiKeyScope {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name, as people and the database write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

scopes! {
    /// Read payments.
    PaymentsRead "payments:read",
    /// Create payments.
    PaymentsWrite "payments:write",
    /// Read contacts, invoices, accounts and what else payments refer to.
    AccountingRead "accounting:read",
    /// Create and change them.
    AccountingWrite "accounting:write",
    /// Read connections.
    ConnectionsRead "connections:read",
    /// Create and change connections.
    ConnectionsWrite "connections:write",
    /// Read webhook endpoints.
    WebhooksRead "webhooks:read",
    /// Create and change webhook endpoints.
    WebhooksWrite "webhooks:write",
    /// Create and revoke API keys.
    ApiKeysWrite "api_keys:write",
}

impl FromStr for ApiKeyScope {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let known = Self::ALL.iter().copied().find(|scope| scope.as_str() == text);
        known.ok_or_else(|| ParseError::new("unknown_scope", "no such scope; write one like `payments:read`"))
    }
}

impl fmt::Display for ApiKeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The scopes of an API key: a set, small enough to be copied with every request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ApiKeyScopes(u16);

impl ApiKeyScopes {
    /// Read payments, and nothing else.
    pub const PAYMENTS_READ: Self = Self(bit(ApiKeyScope::PaymentsRead));
    /// What a new key may do unless it was asked for otherwise: read and create payments, and read what they refer to.
    pub const DEFAULT: Self =
        Self(bit(ApiKeyScope::PaymentsRead) | bit(ApiKeyScope::PaymentsWrite) | bit(ApiKeyScope::AccountingRead));

    /// Takes names of scopes. Those of a later version are left out: this version has no call that needs them.
    pub fn of_names(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        names.into_iter().filter_map(|name| name.as_ref().parse().ok()).collect()
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub const fn contains(self, scope: ApiKeyScope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// Their names, in the order of [`ApiKeyScope::ALL`].
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        ApiKeyScope::ALL.iter().filter(move |scope| self.contains(**scope)).map(|scope| scope.as_str())
    }
}

const fn bit(scope: ApiKeyScope) -> u16 {
    1 << scope as u16
}

impl FromIterator<ApiKeyScope> for ApiKeyScopes {
    fn from_iter<I: IntoIterator<Item = ApiKeyScope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | bit(scope)))
    }
}

impl fmt::Debug for ApiKeyScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Serialize for ApiKeyScopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_distinct_and_read_by_their_names() {
        for &scope in ApiKeyScope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
            let alone = ApiKeyScopes::of_names([scope.as_str()]);
            assert_eq!(alone.names().collect::<Vec<_>>(), [scope.as_str()]);
        }
        for unknown in ["", "payments", "payments:READ", "payments:read ", "projects:write"] {
            assert_eq!(unknown.parse::<ApiKeyScope>().map_err(|error| error.code), Err("unknown_scope"), "{unknown}");
        }
    }

    #[test]
    fn scope_of_a_later_version_grants_nothing() {
        let scopes = ApiKeyScopes::of_names(["payments:read", "refunds:write"]);
        assert_eq!(scopes, ApiKeyScopes::PAYMENTS_READ);
        assert_eq!(ApiKeyScopes::of_names(["refunds:write"]).names().count(), 0);
    }
}
