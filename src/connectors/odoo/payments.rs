//! The payments of the books, made by us and by others. Drafts are not booked, and a transfer between own accounts is none.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::json;

use super::Books;
use super::payment::MODULE;
use super::references::{PAGE, key, stamp};
use super::seen::PAYMENT;
use super::value::{Link, Maybe};
use crate::connectors::{Error, KeyPage, RemoteKey, RemotePayment};
use crate::domain::{RemoteId, WriteKey};

#[derive(Deserialize)]
struct Stamped {
    id: i64,
    write_date: String,
    state: String,
    is_reconciled: bool,
    move_id: Maybe<Link>,
}

/// The members of a payment's record that name its journal.
#[derive(Deserialize)]
struct InJournal {
    journal_id: Maybe<Link>,
}

impl Books {
    /// A page of keys. Matches, and the reversal of the payment's entry, move the stamp.
    pub(super) async fn page_of_payment_keys(&self, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        let transfer = self.rpc.session().await?.fields.transfer;
        let mut domain = vec![json!(["state", "!=", "draft"]), json!([transfer, "=", false])];
        domain.extend(self.rpc.company().map(|company| json!(["company_id", "=", company])));
        let fields = ["write_date", "state", "is_reconciled", "move_id"];
        let (found, read_at) = self.page::<Stamped>(PAYMENT, after, domain, &fields).await?;
        let entry = |payment: &Stamped| payment.move_id.0.as_ref().map(|entry| entry.id);
        let reversed = self.reversed(&found.iter().filter_map(entry).collect::<Vec<_>>()).await?;
        let is_last = found.len() < PAGE;
        let keys = found.iter().map(|payment| {
            let is_reversed = entry(payment).is_some_and(|entry| reversed.contains(&entry));
            let parts = [&*payment.state, &*payment.is_reconciled.to_string(), &*is_reversed.to_string()];
            key(payment.id, stamp(&parts, &[&payment.write_date], read_at))
        });
        Ok(KeyPage { keys: keys.collect(), is_last })
    }

    /// Payments by their keys.
    pub(super) async fn read_payments(&self, keys: &[RemoteKey]) -> Result<Vec<RemotePayment>, Error> {
        let ids: Vec<i64> = keys.iter().filter_map(|key| key.remote_id.as_str().parse().ok()).collect();
        let seen = self.see_all(&ids).await?;
        // One strange payment does not hide the others. One that is a draft by now is none.
        let seen = seen.into_iter().flatten().filter(|seen| !seen.is_draft);
        let mut payments: Vec<_> = seen.map(|seen| seen.payment).collect();
        let external_ids = self.external_ids(&ids).await?;
        let journals = self.journals().await?;
        let accounts: HashMap<i64, i64> =
            journals.into_iter().filter_map(|journal| Some((journal.id, journal.default_account_id.0?.id))).collect();
        for payment in &mut payments {
            payment.key = external_ids.get(payment.remote_id.as_str()).and_then(|id| own_key(id));
            let journal = serde_json::from_str::<InJournal>(payment.data.get()).ok().and_then(|of| of.journal_id.0);
            payment.account = journal.and_then(|journal| accounts.get(&journal.id)).copied().map(RemoteId::from);
        }
        Ok(payments)
    }

    /// The external ids of payments, by their own ids; empty where there is none. Every user may ask for them.
    async fn external_ids(&self, ids: &[i64]) -> Result<BTreeMap<String, String>, Error> {
        self.rpc.call(PAYMENT, "get_external_id", Some(ids), json!({})).await
    }
}

/// Our key in an external id.
fn own_key(external_id: &str) -> Option<WriteKey> {
    WriteKey::find(external_id.strip_prefix(MODULE)?.strip_prefix('.')?)
}
