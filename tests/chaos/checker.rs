//! Compares the answers with the stored rows.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::history::{History, Outcome};
use crate::payments::TestPayment;
use crate::testbed::Testbed;

/// A stored payment: connection, key, id, marker, total, values of the line items.
type Row = (Uuid, Option<String>, Uuid, Option<Uuid>, Option<i64>, Vec<Option<i64>>);

/// Checks a round and returns its violations, one line each.
pub async fn check(testbed: &Testbed, history: &History) -> anyhow::Result<Vec<String>> {
    let mut session = PgConnection::connect_with(&testbed.database()?).await?;
    let mut violations = Vec::new();

    let (payments, items) = history.totals();
    let stored: (i64, i64) = sqlx::query_as(
        "select count(*), sum((select count(*) from payment_line_item item
                                   where item.connection_id = payment.connection_id and item.payment_id = payment.id))
                        ::bigint
             from payment where idempotency_key is not null",
    )
    .fetch_one(&mut session)
    .await?;
    if stored != (i64::try_from(payments)?, i64::try_from(items)?) {
        violations.push(format!(
            "{payments} payments with a key and {items} line items were answered; stored are {} with {}",
            stored.0, stored.1
        ));
    }

    let (round, without_key) = (history.round(), history.without_key());
    let markers: Vec<Uuid> = (round.iter().map(|(payment, _)| payment.marker))
        .chain(without_key.iter().map(|(payment, _)| payment.marker))
        .chain(history.refused().iter().map(|payment| payment.marker))
        .collect();
    let rows: Vec<Row> = sqlx::query_as(
        "select connection_id, idempotency_key, id, invoice_id, total_amount,
                array(select value from payment_line_item item
                      where item.connection_id = payment.connection_id and item.payment_id = payment.id
                      order by position)
         from payment where invoice_id = any($1)",
    )
    .bind(&markers)
    .fetch_all(&mut session)
    .await?;
    session.close().await?;
    let mut by_marker: HashMap<Option<Uuid>, Vec<Row>> = HashMap::new();
    for row in rows {
        by_marker.entry(row.3).or_default().push(row);
    }
    for (payment, answer) in &round {
        let rows = by_marker.remove(&Some(payment.marker)).unwrap_or_default();
        let connection = testbed.tenant_of(payment).connection;
        violations.extend(
            differences(payment, connection, answer, &rows).into_iter().map(|what| format!("{}: {what}", payment.key)),
        );
    }
    for (payment, outcome) in &without_key {
        let rows = by_marker.get(&Some(payment.marker)).map_or(0, Vec::len);
        let id = by_marker.get(&Some(payment.marker)).and_then(|rows| Some(rows.first()?.2.to_string()));
        match outcome {
            Outcome::Unknown(_) if rows > 1 => {
                violations.push(format!("{} was sent once and stored {rows} times", payment.key));
            }
            Outcome::Unknown(Some(named)) if id.as_ref().is_some_and(|id| id != named) => {
                violations.push(format!("{} was stored as {id:?} and answered as {named}", payment.key));
            }
            _ => {}
        }
    }
    for payment in history.refused() {
        if by_marker.contains_key(&Some(payment.marker)) {
            violations.push(format!("{} was answered as repeatable, and stored", payment.key));
        }
    }
    violations.extend(read_again(testbed, &round).await?);

    let log = testbed.server().take_log()?;
    violations.extend(log.lines().filter(|line| line.contains("panic")).map(str::to_owned));
    Ok(violations)
}

/// The differences between a payment, its answer and its rows.
fn differences(payment: &TestPayment, connection: Uuid, answer: &str, rows: &[Row]) -> Vec<String> {
    let Ok(answer) = serde_json::from_str::<Value>(answer) else {
        return vec![format!("the answer is not JSON: {answer}")];
    };
    let [(stored_for, key, id, _, total, items)] = rows else {
        return vec![format!("{} payments are stored: {rows:?}", rows.len())];
    };
    let answered_items = answer["line_items"].as_array().cloned().unwrap_or_default();
    let values: Vec<Option<i64>> = answered_items.iter().map(|item| item["value"].as_i64()).collect();
    let expected: Vec<Option<i64>> = payment.items.iter().copied().map(Some).collect();
    let is_same = [
        ("connection", *stored_for == connection),
        ("key", key.as_deref() == payment.stored_key()),
        ("id", answer["id"] == id.to_string()),
        ("total", *total == Some(payment.total) && answer["total_amount"] == payment.total),
        ("line items", *items == expected && values == expected),
    ];
    let different = is_same.iter().filter(|(_, is_same)| !is_same);
    different.map(|(what, _)| format!("a different {what}: {answer}, stored as {rows:?}")).collect()
}

/// Reads each payment over HTTP and returns the differences from its 201.
async fn read_again(testbed: &Testbed, round: &[(TestPayment, String)]) -> anyhow::Result<Vec<String>> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut violations = Vec::new();
    for (payment, answer) in round {
        let id = serde_json::from_str::<Value>(answer).ok().and_then(|answer| Some(answer["id"].as_str()?.to_owned()));
        let url = format!("{}/accounting/payments/{}", testbed.base_url(), id.unwrap_or_default());
        let read = client.get(url).headers(testbed.tenant_of(payment).headers()?).send().await?.text().await?;
        if read != *answer {
            violations.push(format!("{} was answered with {answer}, but reads {read}", payment.key));
        }
    }
    Ok(violations)
}
