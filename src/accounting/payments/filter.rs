//! Which payments a list is about.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::domain::{ConnectionId, Currency, IdempotencyKey, PaymentId, RelatedId, Text};
use crate::http::page::Binding;
use crate::http::query::Parameters;

/// Filters of a list; all that are given must hold. `…_after` and `…_before` exclude the moment itself.
#[derive(Debug, Clone, Default, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Accepted by this server after this moment.
    pub created_after: Option<DateTime<Utc>>,
    /// Accepted by this server before this moment.
    pub created_before: Option<DateTime<Utc>>,
    /// Last changed after this moment.
    pub modified_after: Option<DateTime<Utc>>,
    /// Last changed before this moment.
    pub modified_before: Option<DateTime<Utc>>,
    /// With an accounting date after this moment.
    pub transaction_date_after: Option<DateTime<Utc>>,
    /// With an accounting date before this moment.
    pub transaction_date_before: Option<DateTime<Utc>>,
    /// Of this invoice.
    #[param(value_type = Option<Uuid>)]
    pub invoice_id: Option<RelatedId>,
    /// Of this contact.
    #[param(value_type = Option<Uuid>)]
    pub contact_id: Option<RelatedId>,
    /// Of this account.
    #[param(value_type = Option<Uuid>)]
    pub account_id: Option<RelatedId>,
    /// In this currency.
    #[param(value_type = Option<String>)]
    pub currency: Option<Currency>,
    /// Of this `type`, to the letter.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>)]
    pub kind: Option<Text>,
    /// With this id in the connected accounting software.
    #[param(value_type = Option<String>)]
    pub remote_id: Option<Text>,
    /// Created under this key: tells after a crash whether a create call succeeded.
    #[serde(serialize_with = "key_text")]
    #[param(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[ -~]+$")]
    pub idempotency_key: Option<IdempotencyKey>,
}

impl Filter {
    /// Takes the filters out of a query.
    pub fn read(parameters: &mut Parameters) -> Self {
        Self {
            created_after: parameters.instant("created_after"),
            created_before: parameters.instant("created_before"),
            modified_after: parameters.instant("modified_after"),
            modified_before: parameters.instant("modified_before"),
            transaction_date_after: parameters.instant("transaction_date_after"),
            transaction_date_before: parameters.instant("transaction_date_before"),
            invoice_id: parameters.take("invoice_id"),
            contact_id: parameters.take("contact_id"),
            account_id: parameters.take("account_id"),
            currency: parameters.take("currency"),
            kind: parameters.take("type"),
            remote_id: parameters.take_exact("remote_id"),
            idempotency_key: parameters.take_exact("idempotency_key"),
        }
    }

    /// Between which places in the order of ids the payments stand that `created_…` lets pass.
    pub fn places(&self) -> (Uuid, Uuid) {
        (
            self.created_after.map_or(Uuid::nil(), PaymentId::place_before),
            self.created_before.map_or(Uuid::max(), PaymentId::place_after),
        )
    }

    /// What a cursor of this list belongs to.
    ///
    /// # Errors
    /// When the filters cannot be serialized, which none of their types allows for.
    pub fn binding(&self, connection: ConnectionId) -> Result<Binding, serde_json::Error> {
        Ok(Binding::to(&[connection.0.as_bytes(), &serde_json::to_vec(self)?]))
    }
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn key_text<S: serde::Serializer>(key: &Option<IdempotencyKey>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_ref().map(IdempotencyKey::as_str).serialize(serializer)
}
