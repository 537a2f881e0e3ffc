//! The vocabulary: words that the slices share, parsed once and true ever after.
//!
//! Every type here is made by [`std::str::FromStr`] from what a client wrote and refuses with a [`Refusal`]. None of
//! them knows of HTTP or of the database.

pub mod clock;
pub mod currency;
pub mod date_or_moment;
pub mod exchange_rate;
pub mod field_mappings;
pub mod idempotency_key;
pub mod ids;
pub mod json;
pub mod label;
pub mod money;
pub mod refusal;
pub mod rfc3339;
pub mod text;
pub mod warning;
pub mod whole_number;
pub mod written_time;

pub use clock::Clock;
pub use currency::Currency;
pub use date_or_moment::DateOrMoment;
pub use exchange_rate::ExchangeRate;
pub use field_mappings::FieldMappings;
pub use idempotency_key::IdempotencyKey;
pub use ids::{ApiKeyId, ConnectionId, PaymentId, ProjectId, RelatedId};
pub use label::Label;
pub use money::MinorUnits;
pub use refusal::Refusal;
pub use text::Text;
pub use warning::Warning;
pub use written_time::WrittenTime;
