//! Clients that run at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

/// Running clients. Each ends with the violations that it found.
#[derive(Default)]
pub struct Clients {
    running: JoinSet<Vec<String>>,
    is_stopping: Arc<AtomicBool>,
}

impl Clients {
    /// Starts a client. It ends after its payment as soon as the flag is set.
    pub fn start<C>(&mut self, client: impl FnOnce(Arc<AtomicBool>) -> C)
    where
        C: Future<Output = Vec<String>> + Send + 'static,
    {
        self.running.spawn(client(Arc::clone(&self.is_stopping)));
    }

    /// Lets them finish their payments and returns the violations that they found.
    pub async fn finish(mut self) -> Vec<String> {
        self.is_stopping.store(true, Ordering::Relaxed);
        let mut violations = Vec::new();
        while let Some(client) = self.running.join_next().await {
            violations.extend(client.unwrap_or_else(|panic| vec![format!("a client panicked: {panic}")]));
        }
        violations
    }
}
