//! Value types that the resources share. Each is parsed once and valid from then on.
//!
//! Each type parses a client's text with [`std::str::FromStr`] and refuses it with a [`ParseError`]. None of them depends
//! on HTTP or on the database.

pub mod accounting_date;
pub mod address_blocks;
pub mod api_key_scope;
pub mod canonical_json;
pub mod clock;
pub mod currency;
pub mod date_or_moment;
pub mod display_name;
pub mod events;
pub mod exchange_rate;
pub mod field_mappings;
pub mod free_text;
pub mod idempotency_key;
pub mod ids;
pub mod json;
pub mod money;
pub mod offset_timestamp;
pub mod page;
pub mod parse_error;
pub mod quantity;
pub mod references;
pub mod remote;
pub mod rfc3339;
pub mod warning;
pub mod whole_number;
pub mod write_key;

pub use accounting_date::AccountingDate;
pub use address_blocks::AddressBlocks;
pub use api_key_scope::{ApiKeyScope, ApiKeyScopes};
pub use canonical_json::canonical;
pub use clock::Clock;
pub use currency::Currency;
pub use date_or_moment::DateOrMoment;
pub use display_name::DisplayName;
pub use events::{EventId, EventPattern, EventPosition, EventType};
pub use exchange_rate::ExchangeRate;
pub use field_mappings::FieldMappings;
pub use free_text::FreeText;
pub use idempotency_key::IdempotencyKey;
pub use ids::{
    ApiKeyId, ConnectionId, PaymentId, ProjectId, ReferenceId, WebhookAttemptId, WebhookEndpointId, WebhookReplayId,
};
pub use money::MinorUnits;
pub use offset_timestamp::OffsetTimestamp;
pub use parse_error::ParseError;
pub use quantity::Quantity;
pub use remote::{RemoteId, RemoteStatus};
pub use warning::Warning;
pub use write_key::WriteKey;
