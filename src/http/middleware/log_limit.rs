//! How many lines of the log answers may take that anybody can cause, without a key or above a limit.
//!
//! Above that the answers are counted, and once a second there is one line with the count: a log that one client fills
//! is of no use, and costs more than the answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::http::problem::types;

/// For how long answers are counted together.
const WINDOW: Duration = Duration::from_secs(1);

/// Lines a second of refusals for being too many: the first shows an example, the count tells the rest.
const OF_TOO_MANY: u64 = 1;

/// Lines a second, of each problem code, of other answers that need no key.
const WITHOUT_KEY: u64 = 100;

/// What was answered since the window was opened, by problem code. Cheap to clone: all clones share it.
#[derive(Debug, Clone, Default)]
pub struct LogLimit(Arc<Mutex<Windows>>);

/// No code stands for answers that went well.
type Windows = HashMap<Option<&'static str>, u64>;

impl LogLimit {
    /// Whether an answer may have a line of its own. Must be called in a Tokio runtime.
    #[must_use]
    pub fn allows(&self, route: &str, code: Option<&'static str>) -> bool {
        let Some(most) = most(route, code) else { return true };
        let mut windows = self.windows();
        let count = windows.entry(code).or_insert(0);
        *count += 1;
        let (is_first, is_allowed) = (*count == 1, *count <= most);
        drop(windows);
        if is_first {
            let window = Window { limit: self.clone(), code, most };
            tokio::spawn(async move {
                tokio::time::sleep(WINDOW).await;
                drop(window);
            });
        }
        is_allowed
    }

    fn windows(&self) -> MutexGuard<'_, Windows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The most lines a second; `None` where each answer has one, because its caller showed a good key.
fn most(route: &str, code: Option<&str>) -> Option<u64> {
    const TOO_MANY: [&str; 3] = [types::OVERLOADED.code, types::RATE_LIMITED.code, types::TOO_MANY_FAILURES.code];
    const UNKNOWN_CALLER: [&str; 7] = [
        types::UNAUTHENTICATED.code,
        types::ROUTE_NOT_FOUND.code,
        types::METHOD_NOT_ALLOWED.code,
        types::MALFORMED_REQUEST.code,
        types::URI_TOO_LONG.code,
        types::HEAD_TOO_LARGE.code,
        types::UNSUPPORTED_TRANSFER_CODING.code,
    ];
    match code {
        Some(code) if TOO_MANY.contains(&code) => Some(OF_TOO_MANY),
        Some(code) if UNKNOWN_CALLER.contains(&code) => Some(WITHOUT_KEY),
        None if is_open(route) => Some(WITHOUT_KEY),
        _ => None,
    }
}

/// Whether a route answers without a key: the greeting, the documentation, and preflights and files that it lacks.
fn is_open(route: &str) -> bool {
    matches!(route, "/" | "/openapi.json" | "unmatched") || route.starts_with("/docs")
}

/// Closed when dropped: after its time, or with the process.
struct Window {
    limit: LogLimit,
    code: Option<&'static str>,
    most: u64,
}

impl Drop for Window {
    fn drop(&mut self) {
        let answered = self.limit.windows().remove(&self.code).unwrap_or_default();
        let without_line = answered.saturating_sub(self.most);
        if without_line > 0 {
            tracing::info!(code = self.code, requests = without_line, "more were answered alike");
        }
    }
}
