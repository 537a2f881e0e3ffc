//! What the create call asks before it stores a payment: can the software take it?

use super::loader::Loader;
use super::members;
use super::order::order;
use crate::accounting::payments::payment::{IdempotencyClaim, Payment, PaymentData};
use crate::accounting::payments::{Error, store};
use crate::accounting::references::Software;
use crate::auth::Scope;
use crate::domain::{PaymentId, Warning, WriteKey};

/// What a check finds when it refuses nothing.
#[derive(Debug)]
pub enum Checked {
    /// The software can take the payment.
    Acceptable {
        /// What it would ignore.
        ignored: Vec<Warning>,
        /// Whether it may be called now. Nobody waits for software that may not.
        software_may_be_called: bool,
    },
    /// This request stored the payment earlier.
    Replay(Payment),
}

/// Checks that the software can take this payment. Whether it can be reached does not matter. Nothing is sent and nothing
/// stored.
///
/// # Errors
/// [`Error::Unacceptable`] with all faults at once, [`Error::KeyReused`], or a failure of the database.
pub async fn check(
    loader: &Loader,
    scope: &Scope,
    data: &PaymentData,
    claim: Option<&IdempotencyClaim>,
) -> Result<Checked, Error> {
    let books = loader.load(scope, data).await?;
    let &Software { provider, may_be_called: software_may_be_called, .. } = &books.software;
    // The payment has no id yet. Any of its form will do, as only faults are looked for.
    let no_id = PaymentId(uuid::Uuid::max());
    let write_key = WriteKey::new(scope.connection_id(), no_id, claim.map(|claim| &claim.key));
    let order = order(data, &books);
    let Err(faults) = order.and_then(|order| provider.prepare(&order, &write_key)) else {
        let ignored = members::warnings(data, provider.capabilities());
        return Ok(Checked::Acceptable { ignored, software_may_be_called });
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
