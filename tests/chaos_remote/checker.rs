//! Compares what was sent, what the server has, and what is in the books.

use std::collections::BTreeMap;

use sqlx::Row;

use crate::history::{History, TestPayment};
use crate::report::Report;
use crate::testbed::Testbed;

/// What the server has of a payment.
struct Stored {
    status: String,
    remote_id: Option<String>,
    write_key: Option<String>,
    cents: Option<i64>,
}

/// The violations of a round, and its numbers.
pub async fn check(
    testbed: &Testbed,
    history: &History,
    invoices: &[(i64, i64)],
    report: &mut Report,
) -> anyhow::Result<Vec<String>> {
    let (sent, stored, entries) = (history.sent(), stored(testbed).await?, testbed.books.entries().await?);
    let mut violations = Vec::new();
    let mut paid = BTreeMap::<i64, i64>::new();
    for (key, TestPayment { invoice, cents, .. }) in &sent {
        let Some(payments) = stored.get(key) else {
            if history.is_stored(key) {
                violations.push(format!("{key} was stored, says an answer, and it is not"));
            }
            report.refused += 1;
            continue;
        };
        let [payment] = payments.as_slice() else {
            violations.push(format!("{key} is stored {} times", payments.len()));
            continue;
        };
        if payment.cents != Some(*cents) {
            violations.push(format!("{key} was of {cents} cents and is stored with {:?}", payment.cents));
        }
        let booked = payment.write_key.as_ref().and_then(|key| entries.get(key)).map_or(&[][..], Vec::as_slice);
        let ids: Vec<_> = booked.iter().map(|entry| entry.id.as_str()).collect();
        match payment.status.as_str() {
            "applied" => {
                *paid.entry(*invoice).or_default() += cents;
                report.applied += 1;
                if payment.remote_id.as_deref().into_iter().collect::<Vec<_>>() != ids {
                    violations.push(format!("{key} is applied as {:?}, and booked as {ids:?}", payment.remote_id));
                }
            }
            "rejected" => {
                report.rejected += 1;
                if !ids.is_empty() {
                    violations.push(format!("{key} is rejected, and booked as {ids:?}"));
                }
            }
            status => violations.push(format!("{key} is {status}, and booked as {ids:?}")),
        }
    }
    let known: Vec<_> = stored.values().flatten().filter_map(|payment| payment.write_key.as_ref()).collect();
    violations
        .extend(entries.keys().filter(|key| !known.contains(key)).map(|key| format!("{key} is booked by nobody")));
    for (invoice, cents) in invoices {
        let (left, paid) = (testbed.books.cents_to_pay(*invoice).await?, paid.get(invoice).copied().unwrap_or(0));
        if left != cents - paid {
            violations.push(format!("invoice {invoice} of {cents}: {paid} is applied, and {left} is left to pay"));
        }
    }
    let balance = testbed.books.balance().await?;
    if !balance.is_zero() {
        violations.push(format!("the books do not balance: {balance}"));
    }
    report.payments += sent.len();
    Ok(violations)
}

/// All payments of the server, by idempotency key.
async fn stored(testbed: &Testbed) -> anyhow::Result<BTreeMap<String, Vec<Stored>>> {
    let query = "select idempotency_key, remote_status, remote_id, write_key, total_amount
                 from payment left join remote_write w on w.connection_id = payment.connection_id and payment_id = id
                 where idempotency_key is not null";
    let rows = sqlx::query(query).fetch_all(&mut testbed.database().await?).await?;
    let mut stored = BTreeMap::<String, Vec<Stored>>::new();
    for row in rows {
        stored.entry(row.try_get(0)?).or_default().push(Stored {
            status: row.try_get::<Option<_>, _>(1)?.unwrap_or_default(),
            remote_id: row.try_get(2)?,
            write_key: row.try_get(3)?,
            cents: row.try_get(4)?,
        });
    }
    Ok(stored)
}
