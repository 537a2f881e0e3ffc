//! Waiting for a write by looking at its payment again and again.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep, timeout_at};

use super::Writes;
use crate::accounting::payments::store;
use crate::auth::Scope;
use crate::domain::{PaymentId, RemoteStatus};

/// The time between two looks.
const INTERVAL: Duration = Duration::from_millis(100);

/// Waits for writes that other servers make: it has no part in them.
#[derive(Debug, Clone, Copy)]
pub struct Polling;

#[async_trait]
impl Writes for Polling {
    fn wake(&self, _: &Scope) {}

    async fn settled(&self, scope: &Scope, payment: PaymentId, until: Instant) {
        let looks = async {
            while let Ok(Some(RemoteStatus::Pending | RemoteStatus::Unknown)) =
                store::remote_status(scope, payment).await
            {
                sleep(INTERVAL).await;
            }
        };
        timeout_at(until, looks).await.ok();
    }
}
