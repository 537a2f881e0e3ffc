//! Identifiers. Each kind has its own type, so that one kind cannot be passed for another.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use super::ParseError;

macro_rules! generated_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id: a `UUIDv7` (RFC 9562), ordered by `now` to the microsecond; the other bits are random.
            #[must_use]
            pub fn new(now: DateTime<Utc>) -> Self {
                Self(ordered(now, rand::random()))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                parse(text).map(Self)
            }
        }
    };
}

generated_id!(
    /// A project: the owner of API keys and connections.
    ProjectId
);
generated_id!(
    /// An API key: its id, not its secret.
    ApiKeyId
);
generated_id!(
    /// A connection: one set of books, the tenant.
    ConnectionId
);
generated_id!(
    /// A payment.
    PaymentId
);

generated_id!(
    /// A webhook endpoint.
    WebhookEndpointId
);
generated_id!(
    /// A call of a webhook endpoint.
    WebhookAttemptId
);
generated_id!(
    /// A request to send earlier events again.
    WebhookReplayId
);

impl WebhookAttemptId {
    /// Lower bound for the ids made in `moment`'s millisecond or later.
    #[must_use]
    pub fn first_id_at(moment: DateTime<Utc>) -> Uuid {
        PaymentId::first_id_at(moment)
    }
}

impl PaymentId {
    /// Lower bound for the ids made in `moment`'s millisecond or later. It is no finer, because earlier versions of the
    /// server made ids that are random within their millisecond.
    #[must_use]
    pub fn first_id_at(moment: DateTime<Utc>) -> Uuid {
        Uuid::from_u128(u128::from(millisecond(moment)) << 80)
    }

    /// Lower bound for the ids made after `moment`'s millisecond.
    #[must_use]
    pub fn first_id_after(moment: DateTime<Utc>) -> Uuid {
        Uuid::from_u128(u128::from(millisecond(moment) + 1) << 80)
    }
}

/// The first 48 bits of a `UUIDv7`: milliseconds since 1970, up to the year 10889. The last value stays free, so that
/// adding one cannot overflow.
fn millisecond(moment: DateTime<Utc>) -> u64 {
    u64::try_from(moment.timestamp_millis()).unwrap_or(0).min((1 << 48) - 2)
}

/// A `UUIDv7` with the fraction of the millisecond in the 12 bits `rand_a` (RFC 9562 section 6.2, method 3). One of its
/// 4,096 steps is shorter than a microsecond, so ids of different microseconds are ordered by time.
fn ordered(now: DateTime<Utc>, mut random: [u8; 10]) -> Uuid {
    let [.., high, low] = (now.timestamp_subsec_nanos() % 1_000_000 * 4_096 / 1_000_000).to_be_bytes();
    random[..2].copy_from_slice(&[high, low]);
    Builder::from_unix_timestamp_millis(millisecond(now), &random).into_uuid()
}

/// The id of an object that a client refers to: an invoice, a contact, an account. Only its form is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReferenceId(pub Uuid);

impl FromStr for ReferenceId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text).map(Self)
    }
}

/// Parses the textual form of RFC 9562 section 4, in any letter case. Braces, URNs and bare hex are refused.
fn parse(text: &str) -> Result<Uuid, ParseError> {
    match Uuid::try_parse(text) {
        Ok(id) if text.len() == uuid::fmt::Hyphenated::LENGTH => Ok(id),
        _ => Err(ParseError::new(
            "invalid_uuid",
            "not a UUID; write it as 8-4-4-4-12 hexadecimal digits, like 801f9ede-c698-4e66-a7fc-48d19eebaa4f",
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::{Variant, Version};

    use super::*;

    fn at(micros: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(micros).expect("in range")
    }

    /// From 1970 to the end of 9999.
    const MICROS: std::ops::Range<i64> = 0..253_402_300_800_000_000;

    proptest! {
        #[test]
        fn ids_are_ordered_by_time_to_the_microsecond(
            micros in MICROS, later in prop_oneof![1..2_000i64, 1..1_000_000_000_000i64], random: [[u8; 10]; 2],
        ) {
            let (first, second) = (ordered(at(micros), random[0]), ordered(at(micros + later), random[1]));
            prop_assert!(first < second, "{first} {second}");
        }

        #[test]
        fn id_is_a_uuid_v7_with_62_random_bits(micros in MICROS, random: [u8; 10]) {
            let id = ordered(at(micros), random);
            prop_assert_eq!((id.get_version(), id.get_variant()), (Some(Version::SortRand), Variant::RFC4122));
            prop_assert_eq!(u128::from(millisecond(at(micros))), id.as_u128() >> 80);
            let all_random = (1u128 << 62) - 1;
            prop_assert_eq!(id.as_u128() & all_random, u128::from_be_bytes([&[0; 6], &random[..]].concat()
                .try_into().expect("16 bytes")) & all_random);
        }

        #[test]
        fn id_is_within_the_bounds_of_its_millisecond(micros in MICROS, of_millisecond in 0..1_000i64, random: [u8; 10]) {
            let id = ordered(at(micros / 1_000 * 1_000 + of_millisecond), random);
            prop_assert!(PaymentId::first_id_at(at(micros)) < id);
            prop_assert!(id < PaymentId::first_id_after(at(micros)));
            prop_assert_eq!(PaymentId::first_id_after(at(micros)), PaymentId::first_id_at(at(micros + 1_000)));
        }
    }

    #[test]
    fn every_microsecond_of_a_millisecond_has_its_own_step() {
        let ids: Vec<_> = (0..=1_000).map(|micros| ordered(at(micros), [0xff; 10]).as_u128() >> 64).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }

    #[test]
    fn moments_before_1970_are_before_all_ids() {
        assert_eq!(PaymentId::first_id_at(at(-1)), Uuid::nil());
        assert!(PaymentId::first_id_after(DateTime::<Utc>::MAX_UTC) > ordered(at(MICROS.end), [0xff; 10]));
    }
}
