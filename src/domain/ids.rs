//! Identifiers. One type for each kind, so that one kind cannot be passed for another.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::{NoContext, Timestamp, Uuid};

use super::Refusal;

macro_rules! server_made_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id: a `UUIDv7` (RFC 9562), ordered by `now`, the rest random.
            #[must_use]
            pub fn new(now: DateTime<Utc>) -> Self {
                let nanos = now.timestamp_subsec_nanos();
                let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
                Self(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos)))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Refusal;

            fn from_str(text: &str) -> Result<Self, Refusal> {
                parse(text).map(Self)
            }
        }
    };
}

server_made_id!(
    /// A project: whoever owns API keys and connections.
    ProjectId
);
server_made_id!(
    /// An API key (its id, not the secret).
    ApiKeyId
);
server_made_id!(
    /// A connection: one set of books, the tenant.
    ConnectionId
);
server_made_id!(
    /// A payment.
    PaymentId
);

/// The id of an object that a client names: an invoice, a contact, an account. Only its form is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RelatedId(pub Uuid);

impl FromStr for RelatedId {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        parse(text).map(Self)
    }
}

/// The one textual form of RFC 9562 section 4, in any letter case; braces, URNs and bare hex are refused.
fn parse(text: &str) -> Result<Uuid, Refusal> {
    match Uuid::try_parse(text) {
        Ok(id) if text.len() == uuid::fmt::Hyphenated::LENGTH => Ok(id),
        _ => Err(Refusal::new(
            "invalid_uuid",
            "not a UUID; write it as 8-4-4-4-12 hexadecimal digits, like 801f9ede-c698-4e66-a7fc-48d19eebaa4f",
        )),
    }
}
