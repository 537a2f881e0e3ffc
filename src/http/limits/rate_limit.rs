//! Rate limiting: one quota for each key of any type (GCRA), and its response headers.
//!
//! The headers are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` describes the quota, `RateLimit`
//! the remaining part of it.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota as Gcra, RateLimiter};
use quick_cache::sync::Cache;

use crate::domain::Clock;

/// The most keys that a limiter tracks, at about 200 bytes each. When full, keys that were not used for long are
/// evicted; they start again with a full quota.
const CAPACITY: usize = 10_000;

/// A number of requests within a number of seconds. All may come at once; then the quota refills one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The number of requests.
    pub count: NonZeroU32,
    /// The seconds in which the whole quota refills.
    pub seconds: NonZeroU32,
}

impl Quota {
    /// The time in which one request is refilled.
    fn refill_time(self) -> Duration {
        Duration::from_secs(self.seconds.get().into()) / self.count.get()
    }
}

impl FromStr for Quota {
    type Err = String;

    /// Parses `count/seconds`.
    fn from_str(text: &str) -> Result<Self, String> {
        let read = |text: &str, max: u32| text.parse().ok().filter(|number: &NonZeroU32| number.get() <= max);
        text.split_once('/')
            .and_then(|(count, seconds)| Some(Self { count: read(count, 1_000_000)?, seconds: read(seconds, 86_400)? }))
            .ok_or_else(|| "write count/seconds, like 600/60, at most 1000000/86400, or `off`".to_owned())
    }
}

/// Counts the used quota of each key. Cheap to clone: all clones share the counts.
#[derive(Debug, Clone)]
pub struct Limiter<K> {
    name: &'static str,
    quota: Quota,
    clock: Clock,
    buckets: Arc<Cache<K, Arc<Bucket>>>,
}

#[derive(Debug)]
struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, Monotonic, StateInformationMiddleware>,
    /// When the next request is allowed after a refused one, in nanoseconds of the clock.
    locked_until: AtomicU64,
}

#[derive(Debug, Clone)]
struct Monotonic(Clock);

impl GovernorClock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl<K: Eq + Hash + Clone> Limiter<K> {
    /// A limiter in which every key has its full quota. `name` is the name of the quota in the headers.
    #[must_use]
    pub fn new(name: &'static str, quota: Quota, clock: Clock) -> Self {
        Self { name, quota, clock, buckets: Arc::new(Cache::new(CAPACITY)) }
    }

    /// Takes one request from the quota of `key`.
    ///
    /// # Errors
    /// [`Exceeded`] when nothing is left; nothing is taken then.
    pub fn take(&self, key: &K) -> Result<QuotaStatus, Exceeded> {
        let Ok(bucket) = self.buckets.get_or_insert_with(key, || Ok::<_, std::convert::Infallible>(self.bucket()));
        match bucket.limiter.check() {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let reset = self.quota.refill_time() * self.quota.count.get().saturating_sub(remaining);
                Ok(QuotaStatus { name: self.name, quota: self.quota, remaining, reset: whole_seconds(reset) })
            }
            Err(not_until) => {
                bucket.locked_until.store(nanoseconds(not_until.earliest_possible()), Ordering::Relaxed);
                Err(self.exceeded(not_until.wait_time_from(self.clock.elapsed())))
            }
        }
    }

    /// Checks, without consuming quota, whether `key` is still locked out by its last refused request.
    ///
    /// # Errors
    /// [`Exceeded`] when it is.
    pub fn check(&self, key: &K) -> Result<(), Exceeded> {
        let Some(bucket) = self.buckets.get(key) else { return Ok(()) };
        let until = Duration::from_nanos(bucket.locked_until.load(Ordering::Relaxed));
        match until.checked_sub(self.clock.elapsed()) {
            Some(wait) if !wait.is_zero() => Err(self.exceeded(wait)),
            _ => Ok(()),
        }
    }

    fn bucket(&self) -> Arc<Bucket> {
        // The refill time is never zero: a quota has at most 1,000,000 requests in at least a second.
        let quota = Gcra::with_period(self.quota.refill_time()).unwrap_or(Gcra::per_second(NonZeroU32::MIN));
        let limiter =
            RateLimiter::direct_with_clock(quota.allow_burst(self.quota.count), Monotonic(self.clock.clone()));
        Arc::new(Bucket { limiter: limiter.with_middleware(), locked_until: AtomicU64::new(0) })
    }

    fn exceeded(&self, wait: Duration) -> Exceeded {
        let reset = whole_seconds(wait).max(1);
        Exceeded(QuotaStatus { name: self.name, quota: self.quota, remaining: 0, reset })
    }
}

/// The remaining quota of one key.
#[derive(Debug, Clone, Copy)]
pub struct QuotaStatus {
    name: &'static str,
    quota: Quota,
    remaining: u32,
    /// Seconds until the whole quota is refilled or, when it is used up, until one request is.
    reset: u64,
}

impl QuotaStatus {
    /// Inserts `RateLimit-Policy` and `RateLimit`.
    pub fn insert_headers(&self, headers: &mut HeaderMap) {
        let Self { name, quota: Quota { count, seconds }, remaining, reset } = self;
        for (field, value) in [
            ("ratelimit-policy", format!("\"{name}\";q={count};w={seconds}")),
            ("ratelimit", format!("\"{name}\";r={remaining};t={reset}")),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(field), value);
            }
        }
    }
}

/// The error of a request beyond the quota.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the quota `{}` is used up", .0.name)]
pub struct Exceeded(QuotaStatus);

impl Exceeded {
    /// The time to wait, as in `Retry-After`.
    #[must_use]
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.0.reset)
    }

    /// Inserts `Retry-After` and the headers of the quota.
    pub fn insert_headers(&self, headers: &mut HeaderMap) {
        headers.insert(header::RETRY_AFTER, self.0.reset.into());
        self.0.insert_headers(headers);
    }
}

/// Rounded up, so that a client that waits this long is not refused again.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
