//! Which payments a list is about.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::IntoParams;

use crate::domain::page::{Order, Sort};
use crate::domain::{ConnectionId, Currency, DateOrMoment, FreeText, IdempotencyKey, ReferenceId, RemoteStatus};
use crate::http::request::cursor::ListFingerprint;
use crate::http::request::query::Parameters;

/// Filters of a list; all that are given must hold. `…_after` and `…_before` exclude what they name, `…_from` and `…_to`
/// include it.
///
/// What is absent stays out of the text that cursors are bound to, where earlier versions did not know it: their cursors
/// are still good.
#[derive(Debug, Clone, Default, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Accepted by this server after this moment; a plain date is midnight UTC.
    pub created_after: Option<DateTime<Utc>>,
    /// Accepted by this server before this moment; a plain date is midnight UTC.
    pub created_before: Option<DateTime<Utc>>,
    /// Accepted by this server at this moment or later; a plain date is a day of UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_from: Option<DateTime<Utc>>,
    /// Accepted by this server at this moment or earlier; a plain date is a day of UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_to: Option<DateTime<Utc>>,
    /// Last changed after this moment; a plain date is midnight UTC.
    pub modified_after: Option<DateTime<Utc>>,
    /// Last changed before this moment; a plain date is midnight UTC.
    pub modified_before: Option<DateTime<Utc>>,
    /// Last changed at this moment or later; a plain date is a day of UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_from: Option<DateTime<Utc>>,
    /// Last changed at this moment or earlier; a plain date is a day of UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_to: Option<DateTime<Utc>>,
    /// With an accounting date after this one. A plain date is compared with the calendar date as it was written, a
    /// date-time with the moment.
    #[param(value_type = Option<DateTime<Utc>>)]
    pub transaction_date_after: Option<DateOrMoment>,
    /// With an accounting date before this one, compared in the same way.
    #[param(value_type = Option<DateTime<Utc>>)]
    pub transaction_date_before: Option<DateOrMoment>,
    /// With this accounting date or a later one, compared in the same way.
    #[param(value_type = Option<DateTime<Utc>>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_date_from: Option<DateOrMoment>,
    /// With this accounting date or an earlier one, compared in the same way.
    #[param(value_type = Option<DateTime<Utc>>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_date_to: Option<DateOrMoment>,
    /// Of this invoice.
    #[param(value_type = Option<Uuid>)]
    pub invoice_id: Option<ReferenceId>,
    /// Of this contact.
    #[param(value_type = Option<Uuid>)]
    pub contact_id: Option<ReferenceId>,
    /// Of this account.
    #[param(value_type = Option<Uuid>)]
    pub account_id: Option<ReferenceId>,
    /// In this currency.
    #[param(value_type = Option<String>)]
    pub currency: Option<Currency>,
    /// Of this `type`, to the letter.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>)]
    pub kind: Option<FreeText>,
    /// With this id in the connected accounting software.
    #[param(value_type = Option<String>)]
    pub remote_id: Option<FreeText>,
    /// With this state in the connected accounting software; `none` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_status: Option<RemoteStatus>,
    /// Created under this key: shows after a crash whether a create call succeeded.
    #[serde(serialize_with = "key_text")]
    #[param(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[ -~]+$")]
    pub idempotency_key: Option<IdempotencyKey>,
}

impl Filter {
    /// Takes the filters out of a query.
    pub fn read(parameters: &mut Parameters) -> Self {
        Self {
            created_after: parameters.date_or_moment("created_after").map(DateOrMoment::first_moment),
            created_before: parameters.date_or_moment("created_before").map(DateOrMoment::first_moment),
            created_from: parameters.date_or_moment("created_from").map(DateOrMoment::first_moment),
            created_to: parameters.date_or_moment("created_to").map(DateOrMoment::last_moment),
            modified_after: parameters.date_or_moment("modified_after").map(DateOrMoment::first_moment),
            modified_before: parameters.date_or_moment("modified_before").map(DateOrMoment::first_moment),
            modified_from: parameters.date_or_moment("modified_from").map(DateOrMoment::first_moment),
            modified_to: parameters.date_or_moment("modified_to").map(DateOrMoment::last_moment),
            transaction_date_after: parameters.date_or_moment("transaction_date_after"),
            transaction_date_before: parameters.date_or_moment("transaction_date_before"),
            transaction_date_from: parameters.date_or_moment("transaction_date_from"),
            transaction_date_to: parameters.date_or_moment("transaction_date_to"),
            invoice_id: parameters.take("invoice_id"),
            contact_id: parameters.take("contact_id"),
            account_id: parameters.take("account_id"),
            currency: parameters.take("currency"),
            kind: parameters.take("type"),
            remote_id: parameters.take_exact("remote_id"),
            remote_status: parameters.take("remote_status"),
            idempotency_key: parameters.take_exact("idempotency_key"),
        }
    }

    /// What the list is sorted by. At most one payment has a key: its list has no need of an order.
    #[must_use]
    pub fn sort(&self) -> Sort {
        let has_date = [
            self.transaction_date_after,
            self.transaction_date_before,
            self.transaction_date_from,
            self.transaction_date_to,
        ];
        let has_modified = [self.modified_after, self.modified_before, self.modified_from, self.modified_to];
        if self.idempotency_key.is_some() {
            Sort::Id
        } else if has_date.iter().any(Option::is_some) {
            Sort::AccountingDate
        } else if has_modified.iter().any(Option::is_some) {
            Sort::ModifiedAt
        } else {
            Sort::Id
        }
    }

    /// What a cursor of this list belongs to. In the default order it is what it was before there was another.
    ///
    /// # Errors
    /// When the filters cannot be serialized, which none of their types allows for.
    pub fn fingerprint(&self, connection: ConnectionId, order: Order) -> Result<ListFingerprint, serde_json::Error> {
        let filters = serde_json::to_vec(self)?;
        Ok(match order {
            Order::Asc => ListFingerprint::of(&[connection.0.as_bytes(), &filters]),
            Order::Desc => ListFingerprint::of(&[connection.0.as_bytes(), &filters, b"desc"]),
        })
    }
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn key_text<S: serde::Serializer>(key: &Option<IdempotencyKey>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_ref().map(IdempotencyKey::as_str).serialize(serializer)
}
