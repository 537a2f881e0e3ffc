//! The payments of the books, made by us and by others: submitted and cancelled Payment Entries of customers and suppliers.

use futures_util::future::try_join_all;
use serde_json::json;

use super::auth::Site;
use super::references::{Kind, by_creation};
use super::{PAYMENT_ENTRY, id, payment};
use crate::connectors::{Error, KeyPage, RemoteKey, RemotePayment};

/// The most documents that are read at a time.
const AT_ONCE: usize = 4;

/// A page of keys, in the order in which they were created: the name of one that was deleted is given to the next.
pub async fn keys(site: &Site, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
    let kind = Kind {
        doctype: PAYMENT_ENTRY,
        stamp: &["modified", "docstatus", "party", "unallocated_amount"],
        filters: json!([
            ["company", "=", site.company()?],
            ["docstatus", "in", [1, 2]],
            ["payment_type", "in", ["Receive", "Pay"]],
            ["party_type", "in", ["Customer", "Supplier"]],
        ]),
    };
    let mut page = by_creation(site, &[kind], after).await?;
    // There is one kind of document only, and its ids are bare names.
    for key in &mut page.keys {
        if let Ok(name) = id::split(&key.remote_id).1.parse() {
            key.remote_id = name;
        }
    }
    Ok(page)
}

/// Payments by their keys, each as a whole document.
pub async fn read(site: &Site, keys: &[RemoteKey]) -> Result<Vec<RemotePayment>, Error> {
    let mut payments = Vec::with_capacity(keys.len());
    for keys in keys.chunks(AT_ONCE) {
        let documents =
            try_join_all(keys.iter().map(|key| site.document(PAYMENT_ENTRY, key.remote_id.as_str()))).await?;
        for document in documents.iter().flatten() {
            // One strange document does not hide the others.
            if let Some(payment) = payment::of_document(site, document).await? {
                payments.push(payment);
            }
        }
    }
    Ok(payments)
}
