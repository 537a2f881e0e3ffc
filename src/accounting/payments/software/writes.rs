//! What the create call asks of the task that writes payments into accounting software.

use async_trait::async_trait;
use tokio::time::Instant;

use crate::auth::Scope;
use crate::domain::PaymentId;

/// The writes into accounting software that are under way. `sync` implements it, and `app` hands it in, because
/// accounting code knows nothing of connectors at work.
#[async_trait]
pub trait Writes: Send + Sync + std::fmt::Debug {
    /// A payment of this connection was stored and waits for its first attempt. Returns at once and never fails: the
    /// work is found in the database, too.
    fn wake(&self, scope: &Scope);

    /// Waits until the payment is no longer `pending` or `unknown`, by work of this server or of another, at most until
    /// `until`. It returns at once when that is so already, and early when the server stops or the database fails: the
    /// caller reads afterwards what became of the payment.
    async fn settled(&self, scope: &Scope, payment: PaymentId, until: Instant);
}
