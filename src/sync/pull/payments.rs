//! A page of the payments that the software has.
//!
//! One that this server wrote is found by its key or its id, and is never stored twice: what became of it belongs to its
//! write (`sync/write`). All others are imported. A payment is known by the position of its key from then on.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::failure::Failure;
use super::json::without_nul;
use super::run::{Pull, range};
use super::store::{self, GonePayment, KnownPayment, Link};
use crate::accounting::payments::payment::Stamp;
use crate::accounting::payments::software::{ImportedPayment, import, void_imported};
use crate::auth::JobTransaction;
use crate::connectors::{KeyPage, RemoteKey, RemotePayment};
use crate::domain::PaymentId;
use crate::sync::write::{Seen, record_gone, record_seen};

/// The most payments that one transaction marks as gone.
const GONE_AT_A_TIME: u16 = 200;

/// What a page brings.
#[derive(Default)]
struct Brought {
    /// Those that this server wrote.
    written: Vec<Link>,
    /// Those that were imported before, or are new: then without an id of ours.
    imported: Vec<(RemoteKey, Option<PaymentId>, RemotePayment)>,
    /// Imported ones that turned out to be written by this server.
    superseded: Vec<PaymentId>,
}

impl Pull<'_> {
    /// Stores what changed and what is gone, in the transaction that it returns.
    pub async fn payments(&self, after: Option<&RemoteKey>, page: &KeyPage) -> Result<JobTransaction, Failure> {
        let positions: Vec<_> = page.keys.iter().map(|key| key.position.clone()).collect();
        let known = store::known_payments(self.job, &positions).await?;
        let brought = self.brought(&page.keys, &known).await?;
        loop {
            let gone = store::gone_payments(self.job, range(after, page), &positions, GONE_AT_A_TIME).await?;
            self.record_gone(&gone).await?;
            let (mut transaction, now) = self.transaction().await?;
            if !gone.is_empty() {
                let imported: Vec<_> = gone.iter().filter(|gone| !gone.is_written).map(|gone| gone.id).collect();
                void_imported(&mut transaction, now, &imported).await?;
                store::mark_payments_gone(&mut transaction, &gone).await?;
            }
            if gone.len() < usize::from(GONE_AT_A_TIME) {
                self.store(&mut transaction, now, brought).await?;
                return Ok(transaction);
            }
            transaction.commit().await?;
        }
    }

    /// Reads the payments that may have changed, and finds out whose they are. What concerns a write is stored.
    async fn brought(&self, keys: &[RemoteKey], known: &HashMap<String, KnownPayment>) -> Result<Brought, Failure> {
        let is_as_stored = |key: &&RemoteKey| {
            let is_same =
                |known: &KnownPayment| !known.remote_was_deleted && known.stamp == key.stamp && known.written.is_none();
            known.get(&key.position).is_some_and(is_same)
        };
        let changed: Vec<_> = keys.iter().filter(|key| !is_as_stored(key)).cloned().collect();
        let mut brought = Brought::default();
        if changed.is_empty() {
            return Ok(brought);
        }
        let found = self.connector.payments(&changed).await?;
        if found.len() < changed.len() {
            let (connection_id, count) = (self.job.connection_id(), changed.len() - found.len());
            tracing::debug!(%connection_id, count, "payments are gone since their keys were read, or have no known form");
        }
        let positions: HashMap<_, _> = changed.iter().map(|key| (&key.remote_id, &key.position)).collect();
        let is_new = |payment: &&RemotePayment| {
            positions.get(&payment.remote_id).is_some_and(|position| !known.contains_key(*position))
        };
        let new: Vec<_> = found.iter().filter(is_new).cloned().collect();
        let written = if new.is_empty() { HashMap::new() } else { store::written(self.job, &new).await? };
        let mut found: HashMap<_, _> = found.into_iter().map(|found| (found.remote_id.clone(), found)).collect();
        for key in changed {
            let Some(payment) = found.remove(&key.remote_id) else { continue };
            let ours = match known.get(&key.position) {
                Some(known) if known.is_written => Some(known.id),
                Some(known) => known.written.inspect(|_| brought.superseded.push(known.id)),
                None => written.get(&key.remote_id).copied(),
            };
            match ours {
                Some(id) => brought.written.push(self.seen(id, key, payment).await?),
                None => brought.imported.push((key.clone(), known.get(&key.position).map(|known| known.id), payment)),
            }
        }
        Ok(brought)
    }

    /// Records how the software has a payment that this server wrote.
    async fn seen(&self, id: PaymentId, key: RemoteKey, payment: RemotePayment) -> Result<Link, Failure> {
        let write_key = payment.key.clone();
        let stamp = match record_seen(self.job, id, payment).await? {
            Seen::Settled => key.stamp,
            Seen::Open => String::new(),
        };
        Ok(Link { position: key.position, remote_id: key.remote_id, write_key, id, stamp })
    }

    /// Records that the software has payments no more which this server wrote. A write that is under way goes on.
    async fn record_gone(&self, gone: &[GonePayment]) -> Result<(), Failure> {
        for gone in gone.iter().filter(|gone| gone.is_written) {
            record_gone(self.job, gone.id).await?;
        }
        Ok(())
    }

    async fn store(
        &self,
        transaction: &mut JobTransaction,
        now: DateTime<Utc>,
        brought: Brought,
    ) -> Result<(), Failure> {
        let Brought { written: mut links, imported, superseded } = brought;
        let new = imported.iter().filter(|(_, id, _)| id.is_none()).count();
        let mut stamps = Stamp::series(now, new).into_iter();
        let mut payments = Vec::with_capacity(imported.len());
        for (key, id, mut payment) in imported {
            let known = id.map(|id| Stamp { id, time: now });
            let Some(stamp) = known.or_else(|| stamps.next()) else { continue };
            payment.data = RawValue::from_string(without_nul(payment.data.get())).unwrap_or(payment.data);
            let write_key = payment.key.clone();
            let RemoteKey { position, remote_id, stamp: remote_stamp } = key;
            links.push(Link { position, remote_id, write_key, id: stamp.id, stamp: remote_stamp });
            payments.push(ImportedPayment::new(stamp, self.job.connection_id(), payment));
        }
        if !superseded.is_empty() {
            void_imported(transaction, now, &superseded).await?;
        }
        if !payments.is_empty() {
            import(transaction, &payments).await?;
        }
        if !links.is_empty() {
            store::link(transaction, &links).await?;
        }
        Ok(())
    }
}
