//! The passage of one request through the bounds of [`super::load_shed`], and through the quota of its API key.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;

use super::load_shed::LoadShed;
use super::response_budget::{LARGE, hold_until_sent, large_body_bytes};
use crate::domain::ApiKeyId;
use crate::http::limits::fair_share::Share;
use crate::http::limits::rate_limit::{Limiter, QuotaStatus};
use crate::http::problem::error::Error;

/// The permits and shares of one request; an extension of that request. All clones belong to the same request. They are
/// returned when the request has its response or its client has disconnected.
#[derive(Debug, Clone)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    load: LoadShed,
    unauthenticated: Mutex<Option<OwnedSemaphorePermit>>,
    caller: OnceLock<Caller>,
    slot: Mutex<Slot>,
    quota_status: OnceLock<QuotaStatus>,
    /// The room reserved for a response that must not be refused.
    response: Mutex<Option<Share>>,
}

/// The place of a request among those that are processed.
#[derive(Debug, Default)]
enum Slot {
    #[default]
    NotTaken,
    Taken(#[expect(dead_code, reason = "it is held, and returned by being dropped")] Share),
    Returned,
}

#[derive(Debug)]
struct Caller {
    key: ApiKeyId,
    quota: Option<Limiter<ApiKeyId>>,
}

/// The room of a body that is arriving.
#[derive(Debug)]
pub struct BodyRoom {
    _body: Share,
    bytes: Share,
}

impl BodyRoom {
    /// Takes room for `more` bytes that arrived.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when no room is left for this key.
    pub fn grow(&mut self, more: usize) -> Result<(), Error> {
        self.bytes.grow(more).ok_or(Error::Overloaded)
    }
}

impl Admission {
    /// The admission of a request, if the load-shedding layer created one.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().cloned()
    }

    pub(in crate::http) fn new(load: LoadShed, permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Inner {
            load,
            unauthenticated: Mutex::new(Some(permit)),
            caller: OnceLock::new(),
            slot: Mutex::default(),
            quota_status: OnceLock::new(),
            response: Mutex::default(),
        }))
    }

    /// The request is authenticated. `quota` is not consumed yet: a request without a slot must not cost any.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when the key is still locked out; the body need not be read then.
    pub fn identify(&self, key: ApiKeyId, quota: Option<&Limiter<ApiKeyId>>) -> Result<(), Error> {
        if let Some(quota) = quota {
            quota.check(&key).map_err(Error::RateLimited)?;
        }
        // Set once: a second extractor of the same request has the same caller.
        self.0.caller.set(Caller { key, quota: quota.cloned() }).ok();
        self.0.unauthenticated.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }

    /// Room for a body that is about to arrive; `None` before authentication.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when no room is left for this key.
    pub fn begin_body(&self) -> Result<Option<BodyRoom>, Error> {
        let Some(Caller { key, .. }) = self.0.caller.get() else { return Ok(None) };
        let body = self.0.load.bodies.take(*key, 1).ok_or(Error::Overloaded)?;
        let bytes = self.0.load.body_bytes.take(*key, 0).ok_or(Error::Overloaded)?;
        Ok(Some(BodyRoom { _body: body, bytes }))
    }

    /// Takes a slot and one request of the key's quota. Further calls for the same request change nothing.
    ///
    /// # Errors
    /// [`Error::Overloaded`] or [`Error::RateLimited`].
    pub fn enter(&self) -> Result<(), Error> {
        let Some(Caller { key, quota }) = self.0.caller.get() else { return Ok(()) };
        let mut slot = self.slot();
        if !matches!(*slot, Slot::NotTaken) {
            return Ok(());
        }
        *slot = Slot::Taken(self.0.load.slots.take(*key, 1).ok_or(Error::Overloaded)?);
        drop(slot);
        if let Some(quota) = quota {
            let quota_status = quota.take(key).map_err(Error::RateLimited)?;
            self.0.quota_status.set(quota_status).ok();
        }
        Ok(())
    }

    /// Returns the slot before the request ends: what is left of it only waits for somebody else.
    pub fn return_slot(&self) {
        let mut slot = self.slot();
        if matches!(*slot, Slot::Taken(_)) {
            *slot = Slot::Returned;
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room for a response of `bytes` before anything is written to the database; later the request could not be
    /// refused any more.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when no room is left for this key.
    pub fn reserve_response(&self, bytes: usize) -> Result<(), Error> {
        let Some(Caller { key, .. }) = self.0.caller.get() else { return Ok(()) };
        if bytes >= LARGE {
            let share = self.0.load.response_bytes.take(*key, bytes).ok_or(Error::Overloaded)?;
            *self.0.response.lock().unwrap_or_else(PoisonError::into_inner) = Some(share);
        }
        Ok(())
    }

    /// The response with its room, or [`Error::Overloaded`] when no room is left for this key.
    pub(in crate::http) fn hold_response(&self, response: Response) -> Response {
        let reserved = self.0.response.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(Caller { key, .. }), Some(bytes)) = (self.0.caller.get(), large_body_bytes(&response)) else {
            return response;
        };
        match reserved.or_else(|| self.0.load.response_bytes.take(*key, bytes)) {
            Some(share) => hold_until_sent(response, share),
            None => Error::Overloaded.into_response(),
        }
    }

    /// Inserts the headers of the quota. A request that was refused before it took a slot consumes quota too, unless the
    /// server had no capacity for it.
    pub(in crate::http) fn finish(&self, response: &mut Response) {
        if let Some(Caller { key, quota: Some(quota) }) = self.0.caller.get()
            && matches!(*self.slot(), Slot::NotTaken)
            && response.status() != StatusCode::SERVICE_UNAVAILABLE
            && let Ok(quota_status) = quota.take(key)
        {
            self.0.quota_status.set(quota_status).ok();
        }
        if let Some(quota_status) = self.0.quota_status.get() {
            quota_status.insert_headers(response.headers_mut());
        }
    }
}
