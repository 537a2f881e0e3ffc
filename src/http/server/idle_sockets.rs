//! Pool that wait for their client's next request, and which of them is closed to make room.
//!
//! A client that opens connections and says little on them would keep all others out. So when the server is full, a new
//! connection takes the place of the longest idle one of the network that has the most. A new connection takes the
//! place of its own network or of one that has more, never of one that has fewer. A connection in the middle of a
//! request or of an answer is not idle. Pool of trusted proxies stand for many clients and keep their places.
//!
//! Each connection keeps the time since when it is idle in an atomic of its own. The list is locked when a connection
//! opens, closes or needs room, never for a request.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use super::client_address::{Network, TrustedProxies};

/// How long a new connection may be silent before it counts as idle: its first request is on its way.
const FIRST_REQUEST: Duration = Duration::from_secs(1);
/// How many idle connections are asked for their place, one after the other. One that gets a request keeps it.
const MAX_ASKED: usize = 3;
/// The time of a connection that is not idle.
const BUSY: u64 = u64::MAX;

/// Since when a connection is idle. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct IdleTime {
    /// In microseconds after `epoch`.
    since: Arc<AtomicU64>,
    epoch: Instant,
}

impl IdleTime {
    /// Of a connection that was opened now.
    fn of_new_connection(epoch: Instant) -> Self {
        let since = microseconds(epoch.elapsed() + FIRST_REQUEST);
        Self { since: Arc::new(AtomicU64::new(since)), epoch }
    }

    /// The answer is there, or sent at last. A connection that is idle already stays idle since then.
    pub fn begin(&self) {
        if self.since() == BUSY {
            self.since.store(microseconds(self.epoch.elapsed()), Ordering::Relaxed);
        }
    }

    /// A request begins, or an answer has to wait for its reader.
    pub fn end(&self) {
        self.since.store(BUSY, Ordering::Relaxed);
    }

    fn since(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(BUSY - 1)
}

/// A new connection asks an idle one to close and to leave its place. Dropped when the connection is no longer idle.
#[derive(Debug)]
pub struct PlaceRequest {
    since: u64,
    reply: oneshot::Sender<Option<OwnedSemaphorePermit>>,
}

impl PlaceRequest {
    /// Hands over the place of a connection that is closed. `None` when it was above the limit itself.
    pub fn grant(self, place: Option<OwnedSemaphorePermit>) {
        // Where the new connection has gone meanwhile, the place is free.
        self.reply.send(place).ok();
    }
}

/// The open connections of a listener. Cheap to clone: all clones share them.
#[derive(Debug, Clone)]
pub struct IdleSockets {
    connections: Arc<Mutex<Pool>>,
    /// Their connections are not listed.
    exempt: TrustedProxies,
    epoch: Instant,
}

#[derive(Debug, Default)]
struct Pool {
    last_id: u64,
    by_network: HashMap<Network, HashMap<u64, Entry>>,
}

#[derive(Debug)]
struct Entry {
    idle: IdleTime,
    has_place: bool,
    /// `None` while the connection is asked for its place.
    request: Option<oneshot::Sender<PlaceRequest>>,
}

impl IdleSockets {
    /// No connections yet.
    #[must_use]
    pub fn new(exempt: TrustedProxies) -> Self {
        Self { connections: Arc::default(), exempt, epoch: Instant::now() }
    }

    /// Lists a connection until the answer is dropped. `has_place` tells whether it is within the limit.
    #[must_use]
    pub fn list(&self, peer: IpAddr, has_place: bool) -> Listed {
        let idle = IdleTime::of_new_connection(self.epoch);
        let Some(network) = self.network(peer) else {
            return Listed { all: self.clone(), key: None, idle, requested: None };
        };
        let (request, requested) = oneshot::channel();
        let mut connections = self.lock();
        connections.last_id += 1;
        let id = connections.last_id;
        let entry = Entry { idle: idle.clone(), has_place, request: Some(request) };
        connections.by_network.entry(network).or_default().insert(id, entry);
        drop(connections);
        Listed { all: self.clone(), key: Some((network, id)), idle, requested: Some(requested) }
    }

    /// Closes an idle connection for one that is not listed, of `peer` where that is known. Tells whether one was
    /// closed.
    pub async fn close_one_for(&self, peer: Option<IpAddr>) -> bool {
        let network = peer.and_then(|peer| self.network(peer));
        for _ in 0..MAX_ASKED {
            let Some(reply) = self.ask(network, 0, false) else { return false };
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

    fn ask(&self, new: Option<Network>, listed: usize, must_have_place: bool) -> Option<Reply> {
        let now = microseconds(self.epoch.elapsed());
        self.lock().ask(new, listed, must_have_place, now)
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Reply = oneshot::Receiver<Option<OwnedSemaphorePermit>>;

impl Pool {
    /// Asks the longest idle connection of the network that has the most. `None` when there is none to ask.
    ///
    /// `listed` tells how many of the new connection's network are listed that do not count.
    fn ask(&mut self, new: Option<Network>, listed: usize, must_have_place: bool, now: u64) -> Option<Reply> {
        let own = new.and_then(|network| self.by_network.get(&network)).map_or(0, HashMap::len).saturating_sub(listed);
        let mut longest: Option<(usize, Reverse<u64>, &mut Entry)> = None;
        for (network, entries) in &mut self.by_network {
            let count = entries.len();
            if longest.as_ref().is_some_and(|(most, ..)| count < *most) || (count <= own && new != Some(*network)) {
                continue;
            }
            let idle = entries.values_mut().filter(|entry| entry.idle.since() <= now);
            let idle = idle.filter(|entry| entry.request.is_some() && entry.has_place >= must_have_place);
            if let Some(entry) = idle.min_by_key(|entry| entry.idle.since()) {
                let since = Reverse(entry.idle.since());
                if longest.as_ref().is_none_or(|(most, longest, _)| (count, since) > (*most, *longest)) {
                    longest = Some((count, since, entry));
                }
            }
        }
        let (_, Reverse(since), entry) = longest?;
        let (reply, receiver) = oneshot::channel();
        // When the connection ends at this moment, the receiver learns it.
        entry.request.take()?.send(PlaceRequest { since, reply }).ok();
        Some(receiver)
    }
}

/// A connection that is listed while it is open.
#[derive(Debug)]
pub struct Listed {
    all: IdleSockets,
    /// `None` for a trusted proxy.
    key: Option<(Network, u64)>,
    idle: IdleTime,
    requested: Option<oneshot::Receiver<PlaceRequest>>,
}

impl Listed {
    /// Since when it is idle.
    #[must_use]
    pub fn idle(&self) -> IdleTime {
        self.idle.clone()
    }

    /// Closes an idle connection and takes its place. `None` when there is none to close.
    pub async fn take_place(&self) -> Option<OwnedSemaphorePermit> {
        let (network, listed) = (self.key.map(|(network, _)| network), usize::from(self.key.is_some()));
        for _ in 0..MAX_ASKED {
            let reply = self.all.ask(network, listed, true)?;
            if let Ok(Some(place)) = reply.await {
                self.with_entry(|entry| entry.has_place = true);
                return Some(place);
            }
        }
        None
    }

    /// Waits until a new connection asks for this one's place.
    pub async fn requested(&mut self) -> PlaceRequest {
        match &mut self.requested {
            Some(requested) => match requested.await {
                Ok(request) => request,
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    /// The request, when the connection is still idle since then. Otherwise it keeps its place and can be asked again.
    pub fn accept(&mut self, request: PlaceRequest) -> Option<PlaceRequest> {
        if self.idle.since() == request.since {
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

impl Drop for Listed {
    fn drop(&mut self) {
        let Some((network, id)) = self.key else { return };
        let mut connections = self.all.lock();
        if let Some(entries) = connections.by_network.get_mut(&network) {
            entries.remove(&id);
            if entries.is_empty() {
                connections.by_network.remove(&network);
            }
        }
    }
}
