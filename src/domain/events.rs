//! Events: what happened to an object, and how they are named (resources contract, section 5.5).

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::{ParseError, ProjectId};

macro_rules! event_types {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// What happened. The names are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventType {
            $($(#[$doc])* $name,)*
        }

        impl EventType {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name, as clients and the database write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

event_types! {
    /// A payment was stored.
    PaymentCreated "accounting.payment.created",
    /// A payment changed otherwise than by one of the events below.
    PaymentUpdated "accounting.payment.updated",
    /// The accounting software has the payment.
    PaymentApplied "accounting.payment.applied",
    /// The accounting software refused the payment.
    PaymentRejected "accounting.payment.rejected",
    /// A person has to look at the payment.
    PaymentNeedsAttention "accounting.payment.needs_attention",
    /// A contact is new in the accounting software.
    ContactCreated "accounting.contact.created",
    /// A contact changed there.
    ContactUpdated "accounting.contact.updated",
    /// A contact is gone there.
    ContactDeleted "accounting.contact.deleted",
    /// An invoice is new in the accounting software.
    InvoiceCreated "accounting.invoice.created",
    /// An invoice changed there.
    InvoiceUpdated "accounting.invoice.updated",
    /// An invoice is gone there.
    InvoiceDeleted "accounting.invoice.deleted",
    /// An account is new in the accounting software.
    AccountCreated "accounting.account.created",
    /// An account changed there.
    AccountUpdated "accounting.account.updated",
    /// An account is gone there.
    AccountDeleted "accounting.account.deleted",
    /// A company is new in the accounting software.
    CompanyInfoCreated "accounting.company_info.created",
    /// A company changed there.
    CompanyInfoUpdated "accounting.company_info.updated",
    /// A company is gone there.
    CompanyInfoDeleted "accounting.company_info.deleted",
    /// A tracking category is new in the accounting software.
    TrackingCategoryCreated "accounting.tracking_category.created",
    /// A tracking category changed there.
    TrackingCategoryUpdated "accounting.tracking_category.updated",
    /// A tracking category is gone there.
    TrackingCategoryDeleted "accounting.tracking_category.deleted",
    /// An accounting period is new in the accounting software.
    AccountingPeriodCreated "accounting.accounting_period.created",
    /// An accounting period changed there.
    AccountingPeriodUpdated "accounting.accounting_period.updated",
    /// An accounting period is gone there.
    AccountingPeriodDeleted "accounting.accounting_period.deleted",
    /// A connection was made.
    ConnectionCreated "connection.created",
    /// The accounting software refuses the stored credentials.
    ConnectionNeedsReauth "connection.needs_reauth",
    /// The accounting software accepts the credentials again.
    ConnectionReconnected "connection.reconnected",
    /// The connection was paused.
    ConnectionDisconnected "connection.disconnected",
    /// The connection was revoked.
    ConnectionDeleted "connection.deleted",
    /// A pull has read everything.
    SyncCompleted "sync.completed",
    /// A pull has failed.
    SyncFailed "sync.failed",
    /// An endpoint gets no more events, because none arrived for days or it answered that it is gone.
    WebhookEndpointDisabled "webhook_endpoint.disabled",
    /// An event to try an endpoint with. It is sent to that endpoint alone and is in no feed.
    WebhookEndpointTest "webhook_endpoint.test",
}

impl FromStr for EventType {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let known = Self::ALL.iter().copied().find(|kind| kind.as_str() == text);
        known
            .ok_or_else(|| ParseError::new("unknown_event_type", "no such event; see docs/webhooks.md for their names"))
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Names of events: one name, the beginning of names (`accounting.payment.*`), or all (`*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPattern(String);

impl EventPattern {
    /// Whether an event has such a name.
    #[must_use]
    pub fn matches(&self, kind: EventType) -> bool {
        self.0.strip_suffix('*').map_or(kind.as_str() == self.0, |beginning| kind.as_str().starts_with(beginning))
    }

    /// The text, as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventPattern {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let pattern = Self(text.to_owned());
        let ends_a_word =
            text.strip_suffix('*').is_none_or(|beginning| beginning.is_empty() || beginning.ends_with('.'));
        if ends_a_word && EventType::ALL.iter().any(|kind| pattern.matches(*kind)) {
            Ok(pattern)
        } else {
            let advice =
                "no event has such a name; write one like `accounting.payment.created`, `accounting.payment.*` or `*`";
            Err(ParseError::new("unknown_event_type", advice))
        }
    }
}

/// The place of an event in the feed of its project, from 1. 0 is before all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EventPosition(pub i64);

/// The id of an event: a `UUIDv8` (RFC 9562 section 5.8) made of its project and its position, so that an event is found
/// by its id without an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

/// The bits of a position in an id: 48 in front of the version and 10 behind it.
const POSITION_BITS: u32 = 58;

impl EventId {
    /// The id of the event at `position`.
    #[must_use]
    pub fn new(project: ProjectId, position: EventPosition) -> Self {
        let digest = <[u8; 32]>::from(Sha256::digest(project.0));
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&digest[..8]);
        // The version is bits 48 to 51, the variant bits 64 and 65.
        let position = u64::try_from(position.0).unwrap_or(0) & ((1 << POSITION_BITS) - 1);
        bytes[..6].copy_from_slice(&(position >> 10).to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&u16::try_from(position & 0x3ff).unwrap_or(0).to_be_bytes());
        Self(Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The position in the feed of `project`, 0 for its beginning; `None` when the id is of another project.
    #[must_use]
    pub fn position_in(self, project: ProjectId) -> Option<EventPosition> {
        let bytes = self.0.as_bytes();
        let front = bytes[..6].iter().fold(0_i64, |front, byte| front << 8 | i64::from(*byte));
        let behind = i64::from(bytes[6] & 0x3) << 8 | i64::from(bytes[7]);
        let position = EventPosition(front << 10 | behind);
        (Self::new(project, position) == self).then_some(position)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn event_types_are_distinct_and_read_by_their_names() {
        for &kind in EventType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert!(kind.as_str().bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_' | b'.')), "{kind}");
        }
        assert!("accounting.payment".parse::<EventType>().is_err());
    }

    #[test]
    fn pattern_is_a_name_or_a_beginning() {
        let matches = |pattern: &str, kind| pattern.parse::<EventPattern>().expect(pattern).matches(kind);
        for pattern in ["*", "accounting.*", "accounting.payment.*", "accounting.payment.created"] {
            assert!(matches(pattern, EventType::PaymentCreated), "{pattern}");
        }
        for pattern in ["connection.*", "accounting.invoice.*", "accounting.payment.updated"] {
            assert!(!matches(pattern, EventType::PaymentCreated), "{pattern}");
        }
        for unknown in ["", "**", "accounting.pay*", "accounting", "payment.*", "*.created", "Connection.*", " *"] {
            assert!(unknown.parse::<EventPattern>().is_err(), "{unknown}");
        }
    }

    proptest! {
        #[test]
        fn event_id_leads_to_the_position_in_its_own_project(position in 0..1_i64 << POSITION_BITS, a: u128, b: u128) {
            prop_assume!(a != b);
            let [own, other] = [a, b].map(|id| ProjectId(Uuid::from_u128(id)));
            let id = EventId::new(own, EventPosition(position));
            prop_assert_eq!(id.0.get_version_num(), 8);
            prop_assert_eq!(id.0.get_variant(), uuid::Variant::RFC4122);
            prop_assert_eq!(id.position_in(own), Some(EventPosition(position)));
            prop_assert_eq!(id.position_in(other), None);
        }
    }
}
