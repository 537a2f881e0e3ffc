//! The cost of accounting software: payments a second of a connection whose payments are for software, compared with one
//! without. Clients ask to be answered at once (`Prefer: respond-async`). The connection is paused, so that the cost of
//! the calls is measured, and not that of the software.

use serde_json::json;
use uuid::Uuid;

use crate::bench::Bench;
use crate::dataset::Dataset;
use crate::report::{Goal, Report};
use crate::side::{self, Side};

/// Measures with each number of clients.
pub async fn measure(bench: &mut Bench, report: &mut Report) -> anyhow::Result<()> {
    let dataset = Dataset::create(bench, "bare").await?;
    let bare = Side::open("no software", None, bench, dataset).await?;
    let mut dataset = Dataset::create(bench, "connected").await?;
    let [invoice, account] = [Uuid::now_v7(), Uuid::now_v7()];
    dataset.session.add_paused_software(invoice, account).await?;
    let mut connected = Side::open("software that is paused", Some(Goal::AtLeast(0.8)), bench, dataset).await?;
    connected.headers = "prefer: respond-async\r\n";
    connected.body = payment(invoice, account);
    side::measure(bench, report, "software", vec![bare, connected]).await
}

/// A payment of an invoice, by a line item.
fn payment(invoice: Uuid, account: Uuid) -> String {
    let item = json!({
        "name": "Consulting, November", "applied_amount": 40_000, "related_object_id": invoice,
        "related_object_type": "invoice",
    });
    let payment = json!({
        "invoice_id": invoice, "account_id": account, "total_amount": 40_000, "currency": "USD",
        "transaction_date": "2026-11-26T10:00:00Z", "line_items": [item],
    });
    payment.to_string()
}
