//! What the create call asks before it stores a payment: can the software take it?

use super::members;
use super::order::order;
use super::referred::Referred;
use crate::accounting::payments::payment::{IdempotencyClaim, Payment, PaymentData};
use crate::accounting::payments::{Error, store};
use crate::accounting::references::{Software, referred, software};
use crate::auth::Scope;
use crate::connectors::{Fault, PaymentOrder};
use crate::db;
use crate::domain::{PaymentId, Warning, WriteKey};

/// What a check finds when it refuses nothing.
#[derive(Debug)]
pub enum Checked {
    /// The software can take the payment.
    Acceptable {
        /// What it would ignore.
        ignored: Vec<Warning>,
    },
    /// This request stored the payment earlier.
    Replay(Payment),
}

/// Reads what a payment refers to, and puts it into the words of the software behind the connection: the order, or every
/// fault for which there is none.
///
/// # Errors
/// When the database fails.
pub async fn read_order(
    scope: &Scope,
    data: &PaymentData,
) -> Result<(Software, Result<PaymentOrder, Vec<Fault>>), db::Error> {
    let software = software(scope).await?;
    let referred = Referred::new(referred(scope, &Referred::ids(data)).await?)?;
    let order = order(data, &referred, &software);
    Ok((software, order))
}

/// Checks that the software can take this payment. Whether it can be reached does not matter. Nothing is sent and nothing
/// stored.
///
/// # Errors
/// [`Error::Unacceptable`] with all faults at once, [`Error::KeyReused`], or a failure of the database.
pub async fn check(scope: &Scope, data: &PaymentData, claim: Option<&IdempotencyClaim>) -> Result<Checked, Error> {
    let (Software { provider, .. }, order) = read_order(scope, data).await?;
    // The payment has no id yet. Any of its form will do, as only faults are looked for.
    let no_id = PaymentId(uuid::Uuid::max());
    let write_key = WriteKey::new(scope.connection_id(), no_id, claim.map(|claim| &claim.key));
    let Err(faults) = order.and_then(|order| provider.prepare(&order, &write_key)) else {
        return Ok(Checked::Acceptable { ignored: members::warnings(data, provider.capabilities()) });
    };
    // A repetition of a stored payment may be no valid payment any more: it has paid its invoice. Its key is looked for
    // after the faults, because it is committed before it can cause one.
    let first = match claim {
        Some(claim) => store::find_claim(scope, claim).await?,
        None => None,
    };
    match first {
        Some(Some(first)) => Ok(Checked::Replay(first)),
        Some(None) => Err(Error::KeyReused),
        None => Err(Error::Unacceptable(faults)),
    }
}
