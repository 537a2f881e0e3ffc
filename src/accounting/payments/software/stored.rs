//! A payment that is stored already, for the job that writes it into the software.

use super::loader::Books;
use super::order::order;
use super::referred::Referred;
use crate::accounting::payments::store;
use crate::auth::Scope;
use crate::connectors::{Fault, PaymentOrder};
use crate::db;
use crate::domain::PaymentId;

/// Puts a stored payment into the words of the software, as what it refers to is now; `None` when there is no such
/// payment.
///
/// # Errors
/// When the database fails.
pub async fn stored_order(scope: &Scope, id: PaymentId) -> Result<Option<Result<PaymentOrder, Vec<Fault>>>, db::Error> {
    let Some(payment) = store::find(scope, id).await? else { return Ok(None) };
    let books = Books::read(scope, &Referred::ids(&payment.data)).await?;
    Ok(Some(order(&payment.data, &books)))
}
