//! The way of one request through the bounds of [`super::load_shed`], and its API key's quota.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;

use super::load_shed::LoadShed;
use super::response_budget::{LARGE, holding, large};
use crate::domain::ApiKeyId;
use crate::http::limits::fair_share::Share;
use crate::http::limits::rate_limit::{Limiter, QuotaStatus};
use crate::http::problem::error::Error;

/// What one request holds. An extension of the request; its clones are the same request's. All of it comes back when
/// the request has its answer or its client is gone.
#[derive(Debug, Clone)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    load: LoadShed,
    unknown: Mutex<Option<OwnedSemaphorePermit>>,
    caller: OnceLock<Caller>,
    place: OnceLock<Share>,
    quota_status: OnceLock<QuotaStatus>,
    /// The room of an answer that must not be refused.
    answer: Mutex<Option<Share>>,
}

#[derive(Debug)]
struct Caller {
    key: ApiKeyId,
    quota: Option<Limiter<ApiKeyId>>,
}

/// The room that an arriving body takes.
#[derive(Debug)]
pub struct BodyRoom {
    _body: Share,
    bytes: Share,
}

impl BodyRoom {
    /// Takes room for `more` bytes that have arrived.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when there is none for this key.
    pub fn grow(&mut self, more: usize) -> Result<(), Error> {
        self.bytes.grow(more).ok_or(Error::Overloaded)
    }
}

impl Admission {
    /// The admission of a request, where the layer stands before its handler.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().cloned()
    }

    pub(in crate::http) fn new(load: LoadShed, unknown: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Inner {
            load,
            unknown: Mutex::new(Some(unknown)),
            caller: OnceLock::new(),
            place: OnceLock::new(),
            quota_status: OnceLock::new(),
            answer: Mutex::default(),
        }))
    }

    /// It is known who asks. Nothing is counted against `quota` yet: a request that finds no place costs nothing.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when the quota is known to be used up; then the body need not be read.
    pub fn identify(&self, key: ApiKeyId, quota: Option<&Limiter<ApiKeyId>>) -> Result<(), Error> {
        if let Some(quota) = quota {
            quota.look(&key).map_err(Error::RateLimited)?;
        }
        // A second extractor of the same request finds the same caller.
        self.0.caller.set(Caller { key, quota: quota.cloned() }).ok();
        self.0.unknown.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }

    /// Room for a body that is about to arrive; `None` while it is not known who asks.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when there is none for this key.
    pub fn begin_body(&self) -> Result<Option<BodyRoom>, Error> {
        let Some(Caller { key, .. }) = self.0.caller.get() else { return Ok(None) };
        let body = self.0.load.bodies.take(*key, 1).ok_or(Error::Overloaded)?;
        let bytes = self.0.load.body_bytes.take(*key, 0).ok_or(Error::Overloaded)?;
        Ok(Some(BodyRoom { _body: body, bytes }))
    }

    /// Takes a place, and counts the request against the key's quota. Once a request; further calls change nothing.
    ///
    /// # Errors
    /// [`Error::Overloaded`] or [`Error::RateLimited`].
    pub fn enter(&self) -> Result<(), Error> {
        let Some(Caller { key, quota }) = self.0.caller.get() else { return Ok(()) };
        if self.0.place.get().is_some() {
            return Ok(());
        }
        let place = self.0.load.places.take(*key, 1).ok_or(Error::Overloaded)?;
        self.0.place.set(place).ok();
        if let Some(quota) = quota {
            let quota_status = quota.take(key).map_err(Error::RateLimited)?;
            self.0.quota_status.set(quota_status).ok();
        }
        Ok(())
    }

    /// Takes room for an answer of `bytes` before anything is written: later it could not be refused.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when there is none for this key.
    pub fn reserve_answer(&self, bytes: usize) -> Result<(), Error> {
        let Some(Caller { key, .. }) = self.0.caller.get() else { return Ok(()) };
        if bytes >= LARGE {
            let share = self.0.load.answer_bytes.take(*key, bytes).ok_or(Error::Overloaded)?;
            *self.0.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(share);
        }
        Ok(())
    }

    /// The answer with its room, or a refusal when there is none for this key.
    pub(in crate::http) fn cover(&self, response: Response) -> Response {
        let reserved = self.0.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(Caller { key, .. }), Some(bytes)) = (self.0.caller.get(), large(&response)) else { return response };
        match reserved.or_else(|| self.0.load.answer_bytes.take(*key, bytes)) {
            Some(share) => holding(response, share),
            None => Error::Overloaded.into_response(),
        }
    }

    /// Says in the answer what is left of the quota. A request that was refused before it took a place counts, too,
    /// unless the server had no room for it.
    pub(in crate::http) fn finish(&self, response: &mut Response) {
        if let Some(Caller { key, quota: Some(quota) }) = self.0.caller.get()
            && self.0.place.get().is_none()
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
