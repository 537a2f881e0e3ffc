//! The open sockets of a listener, and the choice of an idle one to close when the server is full.
//!
//! A client that opens many sockets and rarely uses them would otherwise keep all others out. So when the server is
//! full, a new socket evicts the longest idle one of the network that has the most sockets: its own network or one that
//! has more, never one that has fewer. A socket in the middle of a request or of a response is not idle. Sockets of
//! trusted proxies serve many clients and are never evicted.
//!
//! The list is locked when a socket opens, closes or needs a permit, never for a request ([`super::idle_since`]).

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use super::client_address::{Network, TrustedProxies};
use super::idle_since::{IdleSince, microseconds};

/// How many idle sockets are asked to close, one after the other. One that receives a request stays open.
const MAX_ATTEMPTS: usize = 3;

/// A new socket asks an idle one to close and hand over its permit. The request is dropped when the socket is no longer
/// idle.
#[derive(Debug)]
pub struct EvictionRequest {
    idle_since: u64,
    reply: oneshot::Sender<Option<OwnedSemaphorePermit>>,
}

impl EvictionRequest {
    /// Hands over the permit of a socket that is closed; `None` when it was above the limit itself.
    pub fn grant(self, permit: Option<OwnedSemaphorePermit>) {
        // If the new socket has closed meanwhile, the permit is free.
        self.reply.send(permit).ok();
    }
}

/// The open sockets of a listener. Cheap to clone: all clones share them.
#[derive(Debug, Clone)]
pub struct IdleSockets {
    sockets: Arc<Mutex<Sockets>>,
    /// Their sockets are not tracked.
    exempt: TrustedProxies,
    epoch: Instant,
}

#[derive(Debug, Default)]
struct Sockets {
    last_id: u64,
    by_network: HashMap<Network, HashMap<u64, Entry>>,
}

#[derive(Debug)]
struct Entry {
    idle_since: IdleSince,
    has_permit: bool,
    /// `None` while the socket is asked to close.
    request: Option<oneshot::Sender<EvictionRequest>>,
}

impl IdleSockets {
    /// No sockets yet.
    #[must_use]
    pub fn new(exempt: TrustedProxies) -> Self {
        Self { sockets: Arc::default(), exempt, epoch: Instant::now() }
    }

    /// Tracks a socket until the returned value is dropped. `has_permit` says whether it is within the limit.
    #[must_use]
    pub fn track(&self, peer: IpAddr, has_permit: bool) -> TrackedSocket {
        let idle_since = IdleSince::of_new_socket(self.epoch);
        let Some(network) = self.network(peer) else {
            return TrackedSocket { all: self.clone(), key: None, idle_since, requested: None };
        };
        let (request, requested) = oneshot::channel();
        let mut sockets = self.lock();
        sockets.last_id += 1;
        let id = sockets.last_id;
        let entry = Entry { idle_since: idle_since.clone(), has_permit, request: Some(request) };
        sockets.by_network.entry(network).or_default().insert(id, entry);
        drop(sockets);
        TrackedSocket { all: self.clone(), key: Some((network, id)), idle_since, requested: Some(requested) }
    }

    /// Closes an idle socket for one that is not tracked yet, from `peer` if that is known. Returns whether one was
    /// closed.
    pub async fn evict_for(&self, peer: Option<IpAddr>) -> bool {
        let network = peer.and_then(|peer| self.network(peer));
        for _ in 0..MAX_ATTEMPTS {
            let Some(reply) = self.request_eviction(network, 0, false) else { return false };
            if reply.await.is_ok() {
                return true;
            }
        }
        false
    }

    /// `None` for a trusted proxy.
    fn network(&self, peer: IpAddr) -> Option<Network> {
        (!self.exempt.contains(peer)).then(|| peer.to_canonical().into())
    }

    fn request_eviction(&self, new: Option<Network>, tracked: usize, needs_permit: bool) -> Option<Reply> {
        let now = microseconds(self.epoch.elapsed());
        self.lock().request_eviction(new, tracked, needs_permit, now)
    }

    fn lock(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Reply = oneshot::Receiver<Option<OwnedSemaphorePermit>>;

impl Sockets {
    /// Asks the longest idle socket of the network that has the most to close. `None` when there is none to ask.
    ///
    /// `new` is the network of the new socket; `tracked` of its sockets do not count. With `needs_permit`, only sockets
    /// within the limit are asked. `now` is in microseconds after the epoch.
    fn request_eviction(
        &mut self,
        new: Option<Network>,
        tracked: usize,
        needs_permit: bool,
        now: u64,
    ) -> Option<Reply> {
        let own = new.and_then(|network| self.by_network.get(&network)).map_or(0, HashMap::len).saturating_sub(tracked);
        let mut chosen: Option<(usize, Reverse<u64>, &mut Entry)> = None;
        for (network, entries) in &mut self.by_network {
            let count = entries.len();
            if chosen.as_ref().is_some_and(|(most, ..)| count < *most) || (count <= own && new != Some(*network)) {
                continue;
            }
            let idle = entries.values_mut().filter(|entry| entry.idle_since.get() <= now);
            let idle = idle.filter(|entry| entry.request.is_some() && entry.has_permit >= needs_permit);
            if let Some(entry) = idle.min_by_key(|entry| entry.idle_since.get()) {
                let since = Reverse(entry.idle_since.get());
                if chosen.as_ref().is_none_or(|(most, longest, _)| (count, since) > (*most, *longest)) {
                    chosen = Some((count, since, entry));
                }
            }
        }
        let (_, Reverse(idle_since), entry) = chosen?;
        let (reply, receiver) = oneshot::channel();
        // If the socket closes at this moment, the receiver gets an error.
        entry.request.take()?.send(EvictionRequest { idle_since, reply }).ok();
        Some(receiver)
    }
}

/// An open socket in the list of its listener.
#[derive(Debug)]
pub struct TrackedSocket {
    all: IdleSockets,
    /// `None` for a trusted proxy.
    key: Option<(Network, u64)>,
    idle_since: IdleSince,
    requested: Option<oneshot::Receiver<EvictionRequest>>,
}

impl TrackedSocket {
    /// The time since when it is idle.
    #[must_use]
    pub fn idle_since(&self) -> IdleSince {
        self.idle_since.clone()
    }

    /// Closes an idle socket and takes over its permit. `None` when there is none to close.
    pub async fn evict_another(&self) -> Option<OwnedSemaphorePermit> {
        let (network, tracked) = (self.key.map(|(network, _)| network), usize::from(self.key.is_some()));
        for _ in 0..MAX_ATTEMPTS {
            let reply = self.all.request_eviction(network, tracked, true)?;
            if let Ok(Some(permit)) = reply.await {
                self.with_entry(|entry| entry.has_permit = true);
                return Some(permit);
            }
        }
        None
    }

    /// Waits until this socket is asked to close.
    pub async fn eviction_requested(&mut self) -> EvictionRequest {
        match &mut self.requested {
            Some(requested) => match requested.await {
                Ok(request) => request,
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    /// Returns the request if the socket has been idle since then. Otherwise it stays open and can be asked again.
    pub fn accept(&mut self, request: EvictionRequest) -> Option<EvictionRequest> {
        if self.idle_since.get() == request.idle_since {
            return Some(request);
        }
        let (sender, requested) = oneshot::channel();
        self.with_entry(|entry| entry.request = Some(sender));
        self.requested = Some(requested);
        None
    }

    fn with_entry(&self, change: impl FnOnce(&mut Entry)) {
        let Some((network, id)) = self.key else { return };
        if let Some(entry) = self.all.lock().by_network.get_mut(&network).and_then(|entries| entries.get_mut(&id)) {
            change(entry);
        }
    }
}

impl Drop for TrackedSocket {
    fn drop(&mut self) {
        let Some((network, id)) = self.key else { return };
        let mut sockets = self.all.lock();
        if let Some(entries) = sockets.by_network.get_mut(&network) {
            entries.remove(&id);
            if entries.is_empty() {
                sockets.by_network.remove(&network);
            }
        }
    }
}
