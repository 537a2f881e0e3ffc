//! Limits the log lines for responses that anybody can cause: without a valid key, or above a limit.
//!
//! Further responses are counted, and the count is logged once a second. A log that a single client can fill is useless,
//! and writing it costs more than the responses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::http::problem::types;

/// How long responses are counted together.
const WINDOW: Duration = Duration::from_secs(1);

/// Lines per second for each code of overload and rate limits: one example; the rest is in the count.
const OVERLOAD_LINES: u64 = 1;

/// Lines per second for each other problem code, or none, of responses that need no key.
const ANONYMOUS_LINES: u64 = 100;

/// The responses since the current window started, by problem code. Cheap to clone: all clones share it.
#[derive(Debug, Clone, Default)]
pub struct LogLimit(Arc<Mutex<Windows>>);

/// `None` is the key of responses without a problem.
type Windows = HashMap<Option<&'static str>, u64>;

impl LogLimit {
    /// Whether a response may have a log line of its own. Must be called in a Tokio runtime.
    #[must_use]
    pub fn allows(&self, route: &str, code: Option<&'static str>) -> bool {
        let Some(max) = max_lines(route, code) else { return true };
        let mut windows = self.windows();
        let count = windows.entry(code).or_insert(0);
        *count += 1;
        let (is_first, is_allowed) = (*count == 1, *count <= max);
        drop(windows);
        if is_first {
            let window = Window { limit: self.clone(), code, max };
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

/// The most lines per second; `None` is no limit, because the caller has a valid key.
fn max_lines(route: &str, code: Option<&str>) -> Option<u64> {
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
        Some(code) if TOO_MANY.contains(&code) => Some(OVERLOAD_LINES),
        Some(code) if UNKNOWN_CALLER.contains(&code) => Some(ANONYMOUS_LINES),
        None if is_public(route) => Some(ANONYMOUS_LINES),
        _ => None,
    }
}

/// Whether a route needs no key: the greeting, the documentation, and `unmatched`, which includes preflights.
fn is_public(route: &str) -> bool {
    matches!(route, "/" | "/openapi.json" | "unmatched") || route.starts_with("/docs")
}

/// One window of counting. Dropping it logs the count, at its end or when the process stops.
struct Window {
    limit: LogLimit,
    code: Option<&'static str>,
    max: u64,
}

impl Drop for Window {
    fn drop(&mut self) {
        let count = self.limit.windows().remove(&self.code).unwrap_or_default();
        let not_logged = count.saturating_sub(self.max);
        if not_logged > 0 {
            tracing::info!(code = self.code, requests = not_logged, "similar responses were not logged");
        }
    }
}
