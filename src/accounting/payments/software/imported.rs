//! A payment that was made in the software itself, in our words.

use chrono::{DateTime, NaiveTime, Utc};
use serde_json::value::RawValue;

use crate::accounting::payments::payment::{LineItem, PaymentData, Stamp};
use crate::connectors::{RemoteAllocation, RemotePayment};
use crate::domain::references::{InvoiceKind, Resource};
use crate::domain::{ConnectionId, FreeText, OffsetTimestamp, RemoteId, RemoteStatus};

/// A payment that the software has and this server did not write.
#[derive(Debug)]
pub struct ImportedPayment {
    /// Its id, and the time of its change here.
    pub stamp: Stamp,
    /// Its members, translated.
    pub data: PaymentData,
    /// Its id in the software.
    pub remote_id: RemoteId,
    /// When it last changed there.
    pub remote_updated_at: Option<DateTime<Utc>>,
    /// The software's own record.
    pub remote_data: Box<RawValue>,
    /// `applied` or `voided`.
    pub remote_status: RemoteStatus,
}

impl ImportedPayment {
    /// A payment of the software under an id of ours. The ids that it refers to are made of the software's, so what was
    /// not read yet does not hold it up.
    #[must_use]
    pub fn new(stamp: Stamp, connection: ConnectionId, payment: RemotePayment) -> Self {
        Self {
            stamp,
            data: data(connection, &payment),
            remote_status: payment.status(),
            remote_id: payment.remote_id,
            remote_updated_at: payment.remote_updated_at,
            remote_data: payment.data,
        }
    }
}

fn data(connection: ConnectionId, payment: &RemotePayment) -> PaymentData {
    let to = |resource: Resource, id: &Option<RemoteId>| id.as_ref().map(|id| resource.id(connection, id));
    let invoice = |allocation: &RemoteAllocation| Resource::Invoice.id(connection, &allocation.invoice);
    let date = OffsetTimestamp::from_parts(payment.date.and_time(NaiveTime::MIN).and_utc(), 0);
    // One invoice that gets all of it needs no lines.
    let (invoice_id, line_items) = match payment.allocations.as_slice() {
        [only] if only.amount.is_none_or(|amount| amount == payment.amount) => (Some(invoice(only)), Vec::new()),
        several => {
            let line = |allocation: &RemoteAllocation| LineItem {
                applied_amount: allocation.amount,
                applied_date: date,
                related_object_id: Some(invoice(allocation)),
                related_object_type: text("invoice"),
                ..LineItem::default()
            };
            let only = if let [only] = several { Some(invoice(only)) } else { None };
            (only, several.iter().map(line).collect())
        }
    };
    PaymentData {
        invoice_id,
        transaction_date: date,
        contact_id: to(Resource::Contact, &payment.contact),
        account_id: to(Resource::Account, &payment.account),
        currency: Some(payment.currency),
        exchange_rate: payment.exchange_rate.clone(),
        total_amount: Some(payment.amount),
        kind: payment.kind.and_then(|kind| {
            text(match kind {
                InvoiceKind::AccountsReceivable => "ACCOUNTS_RECEIVABLE",
                InvoiceKind::AccountsPayable => "ACCOUNTS_PAYABLE",
            })
        }),
        company_info_id: None,
        accounting_period_id: None,
        tracking_categories: None,
        line_items,
        field_mappings: None,
    }
}

/// A text of ours, which is always valid.
fn text(text: &str) -> Option<FreeText> {
    text.parse().ok()
}
