//! How often somebody may ask: a quota for each key of any kind (GCRA), and what clients are told of it.
//!
//! The header fields are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` names a quota, `RateLimit`
//! says what is left of it.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use governor::clock::Clock as Ticking;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota as Gcra, RateLimiter};
use quick_cache::sync::Cache;

use crate::domain::Clock;

/// The most keys of which a limiter knows something, at some 200 bytes each. Beyond it those are forgotten that have
/// not been seen for long: they begin anew.
const CAPACITY: usize = 10_000;

/// So many within so many seconds: all of them at once if need be, then one at a time as they come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub count: NonZeroU32,
    /// Within how many seconds they come back.
    pub seconds: NonZeroU32,
}

impl Quota {
    /// How long one takes to come back.
    fn period(self) -> Duration {
        Duration::from_secs(self.seconds.get().into()) / self.count.get()
    }
}

impl FromStr for Quota {
    type Err = String;

    /// Reads `count/seconds`.
    fn from_str(text: &str) -> Result<Self, String> {
        let read = |text: &str, most: u32| text.parse().ok().filter(|number: &NonZeroU32| number.get() <= most);
        text.split_once('/')
            .and_then(|(count, seconds)| Some(Self { count: read(count, 1_000_000)?, seconds: read(seconds, 86_400)? }))
            .ok_or_else(|| "write count/seconds, like 600/60, at most 1000000/86400, or `off`".to_owned())
    }
}

/// Counts for each key how much of a quota is used. Cheap to clone: all clones share what they counted.
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
    /// Nanoseconds of the clock.
    empty_until: AtomicU64,
}

#[derive(Debug, Clone)]
struct Monotonic(Clock);

impl Ticking for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl<K: Eq + Hash + Clone> Limiter<K> {
    /// A limiter of which nobody has used anything. `name` stands for the quota in the header fields.
    #[must_use]
    pub fn new(name: &'static str, quota: Quota, clock: Clock) -> Self {
        Self { name, quota, clock, buckets: Arc::new(Cache::new(CAPACITY)) }
    }

    /// Takes one of `key`'s quota.
    ///
    /// # Errors
    /// [`Exceeded`] when nothing is left; then nothing was taken.
    pub fn take(&self, key: &K) -> Result<QuotaStatus, Exceeded> {
        let Ok(bucket) = self.buckets.get_or_insert_with(key, || Ok::<_, std::convert::Infallible>(self.bucket()));
        match bucket.limiter.check() {
            Ok(state) => {
                let left = state.remaining_burst_capacity();
                let reset = self.quota.period() * self.quota.count.get().saturating_sub(left);
                Ok(QuotaStatus { name: self.name, quota: self.quota, left, reset: whole_seconds(reset) })
            }
            Err(not_until) => {
                bucket.empty_until.store(nanoseconds(not_until.earliest_possible()), Ordering::Relaxed);
                Err(self.exceeded(not_until.wait_time_from(self.clock.elapsed())))
            }
        }
    }

    /// Looks whether `key` has asked for more than was left, and nothing has come back since. Takes nothing.
    ///
    /// # Errors
    /// [`Exceeded`] when that is so.
    pub fn look(&self, key: &K) -> Result<(), Exceeded> {
        let Some(bucket) = self.buckets.get(key) else { return Ok(()) };
        let until = Duration::from_nanos(bucket.empty_until.load(Ordering::Relaxed));
        match until.checked_sub(self.clock.elapsed()) {
            Some(wait) if !wait.is_zero() => Err(self.exceeded(wait)),
            _ => Ok(()),
        }
    }

    fn bucket(&self) -> Arc<Bucket> {
        // Never shorter than a microsecond, so there is one.
        let quota = Gcra::with_period(self.quota.period()).unwrap_or(Gcra::per_second(NonZeroU32::MIN));
        let limiter =
            RateLimiter::direct_with_clock(quota.allow_burst(self.quota.count), Monotonic(self.clock.clone()));
        Arc::new(Bucket { limiter: limiter.with_middleware(), empty_until: AtomicU64::new(0) })
    }

    fn exceeded(&self, wait: Duration) -> Exceeded {
        let reset = whole_seconds(wait).max(1);
        Exceeded(QuotaStatus { name: self.name, quota: self.quota, left: 0, reset })
    }
}

/// What is left of a quota.
#[derive(Debug, Clone, Copy)]
pub struct QuotaStatus {
    name: &'static str,
    quota: Quota,
    left: u32,
    /// Seconds until there is more: all of it, or of a quota that is used up, one.
    reset: u64,
}

impl QuotaStatus {
    /// Says it in an answer's header.
    pub fn insert_headers(&self, headers: &mut HeaderMap) {
        let Self { name, quota: Quota { count, seconds }, left, reset } = self;
        for (field, value) in [
            ("ratelimit-policy", format!("\"{name}\";q={count};w={seconds}")),
            ("ratelimit", format!("\"{name}\";r={left};t={reset}")),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(field), value);
            }
        }
    }
}

/// A quota is used up.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the quota `{}` is used up", .0.name)]
pub struct Exceeded(QuotaStatus);

impl Exceeded {
    /// The time that the client is told to wait.
    #[must_use]
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.0.reset)
    }

    /// Says in an answer's header how long to wait.
    pub fn insert_headers(&self, headers: &mut HeaderMap) {
        headers.insert(header::RETRY_AFTER, self.0.reset.into());
        self.0.insert_headers(headers);
    }
}

/// Rounded up: who waits that long does not wait in vain.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
