//! The comparison of what was answered with what is stored.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::ledger::{Ledger, Outcome};
use crate::payments::PaymentData;
use crate::world::World;

/// A payment as it is stored: connection, key, id, mark, total, the values of its line items.
type Row = (Uuid, Option<String>, Uuid, Option<Uuid>, Option<i64>, Vec<Option<i64>>);

/// Compares the round: what is wrong, a line each.
pub async fn compare(world: &World, ledger: &Ledger) -> anyhow::Result<Vec<String>> {
    let mut connection = PgConnection::connect_with(&world.database()?).await?;
    let mut wrong = Vec::new();

    let (payments, items) = ledger.totals();
    let stored: (i64, i64) = sqlx::query_as(
        "select count(*), sum((select count(*) from payment_line_item item
                                   where item.connection_id = payment.connection_id and item.payment_id = payment.id))
                        ::bigint
             from payment where idempotency_key is not null",
    )
    .fetch_one(&mut connection)
    .await?;
    if stored != (i64::try_from(payments)?, i64::try_from(items)?) {
        wrong.push(format!(
            "{payments} payments with a key and {items} line items were answered; stored are {} with {}",
            stored.0, stored.1
        ));
    }

    let (round, without_key) = (ledger.round(), ledger.without_key());
    let marks: Vec<Uuid> = (round.iter().map(|(payment, _)| payment.mark))
        .chain(without_key.iter().map(|(payment, _)| payment.mark))
        .chain(ledger.refused().iter().map(|payment| payment.mark))
        .collect();
    let rows: Vec<Row> = sqlx::query_as(
        "select connection_id, idempotency_key, id, invoice_id, total_amount,
                array(select value from payment_line_item item
                      where item.connection_id = payment.connection_id and item.payment_id = payment.id
                      order by position)
         from payment where invoice_id = any($1)",
    )
    .bind(&marks)
    .fetch_all(&mut connection)
    .await?;
    connection.close().await?;
    let mut by_mark: HashMap<Option<Uuid>, Vec<Row>> = HashMap::new();
    for row in rows {
        by_mark.entry(row.3).or_default().push(row);
    }
    for (payment, answer) in &round {
        let rows = by_mark.remove(&Some(payment.mark)).unwrap_or_default();
        let connection = world.tenant_of(payment).connection;
        wrong.extend(
            differences(payment, connection, answer, &rows).into_iter().map(|what| format!("{}: {what}", payment.key)),
        );
    }
    for (payment, outcome) in &without_key {
        let rows = by_mark.get(&Some(payment.mark)).map_or(0, Vec::len);
        let id = by_mark.get(&Some(payment.mark)).and_then(|rows| Some(rows.first()?.2.to_string()));
        match outcome {
            Outcome::Unknown(_) if rows > 1 => {
                wrong.push(format!("{} was sent once and stored {rows} times", payment.key))
            }
            Outcome::Unknown(Some(named)) if id.as_ref().is_some_and(|id| id != named) => {
                wrong.push(format!("{} was stored as {id:?} and answered as {named}", payment.key));
            }
            _ => {}
        }
    }
    for payment in ledger.refused() {
        if by_mark.contains_key(&Some(payment.mark)) {
            wrong.push(format!("{} was answered as repeatable, and stored", payment.key));
        }
    }
    wrong.extend(read_again(world, &round).await?);

    let log = world.server().take_log()?;
    wrong.extend(log.lines().filter(|line| line.contains("panic")).map(str::to_owned));
    Ok(wrong)
}

/// What differs between a payment, its answer and its rows.
fn differences(payment: &PaymentData, connection: Uuid, answer: &str, rows: &[Row]) -> Vec<String> {
    let Ok(answer) = serde_json::from_str::<Value>(answer) else {
        return vec![format!("the answer is no JSON: {answer}")];
    };
    let [(stored_for, key, id, _, total, items)] = rows else {
        return vec![format!("{} payments are stored: {rows:?}", rows.len())];
    };
    let answered_items = answer["line_items"].as_array().cloned().unwrap_or_default();
    let values: Vec<Option<i64>> = answered_items.iter().map(|item| item["value"].as_i64()).collect();
    let wanted: Vec<Option<i64>> = payment.items.iter().copied().map(Some).collect();
    let is_same = [
        ("connection", *stored_for == connection),
        ("key", key.as_deref() == payment.stored_key()),
        ("id", answer["id"] == id.to_string()),
        ("total", *total == Some(payment.total) && answer["total_amount"] == payment.total),
        ("line items", *items == wanted && values == wanted),
    ];
    let wrong = is_same.iter().filter(|(_, is_same)| !is_same);
    wrong.map(|(what, _)| format!("another {what}: {answer}, stored as {rows:?}")).collect()
}

/// Reads each payment over HTTP: what differs from its 201.
async fn read_again(world: &World, round: &[(PaymentData, String)]) -> anyhow::Result<Vec<String>> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut wrong = Vec::new();
    for (payment, answer) in round {
        let id = serde_json::from_str::<Value>(answer).ok().and_then(|answer| Some(answer["id"].as_str()?.to_owned()));
        let url = format!("{}/accounting/payments/{}", world.base(), id.unwrap_or_default());
        let read = client.get(url).headers(world.tenant_of(payment).headers()?).send().await?.text().await?;
        if read != *answer {
            wrong.push(format!("{} was answered with {answer}, but reads {read}", payment.key));
        }
    }
    Ok(wrong)
}
