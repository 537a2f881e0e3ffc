//! Makes the bytes that are sent.

use crate::accounting::payments::software::stored_order;
use crate::auth::JobScope;
use crate::connectors::{Fault, PreparedWrite, Provider};
use crate::db;
use crate::domain::{PaymentId, WriteKey};

/// Puts a stored payment into the words of its software, as its references are now.
///
/// # Errors
/// The inner error has the reasons for which the software cannot take it; the outer one is the database's.
pub async fn prepare(
    job: &JobScope,
    provider: &dyn Provider,
    payment: PaymentId,
    key: &WriteKey,
) -> Result<Result<PreparedWrite, Vec<Fault>>, db::Error> {
    let order = stored_order(job.scope(), payment).await?;
    let order = order.unwrap_or_else(|| Err(vec![Fault::new("", "missing", "The payment is not stored any more.")]));
    Ok(order.and_then(|order| provider.prepare(&order, key)))
}
