//! The stream of one client.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{Stream, stream};
use metrics::gauge;
use tokio::sync::watch;
use tokio::time::Instant;

use super::streams::{OPEN, Streams};
use super::tail::{Chunk, Tail};
use crate::auth::{ProjectScope, Revalidation};
use crate::domain::{EventId, EventPosition};
use crate::events::{self, Filter};
use crate::http::limits::fair_share::Share;
use crate::webhooks::feed;

/// After this time without an event the client gets its position: so it sees that the stream lives, and so does a proxy.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the credentials are checked.
const CHECK: Duration = Duration::from_secs(1);
/// After this time the client connects again when a stream has ended, in milliseconds.
const RETRY: u16 = 1_000;

/// The client of a stream.
#[derive(Debug)]
pub struct Client {
    pub scope: ProjectScope,
    /// The events that it wants and may have.
    pub filter: Filter,
    /// The check of its credentials.
    pub revalidation: Revalidation,
    /// Its place among the open streams.
    #[expect(dead_code, reason = "it is held until the stream ends")]
    pub place: Share,
}

/// The stream of one client. It holds a position and at most one chunk, however far it lags behind.
#[derive(Debug)]
pub struct Reader {
    client: Client,
    streams: Streams,
    tail: Arc<Tail>,
    position: EventPosition,
    chunk: VecDeque<Bytes>,
    grown: watch::Receiver<EventPosition>,
    ending: watch::Receiver<bool>,
    heartbeat_at: Instant,
}

impl Reader {
    /// A stream that begins after `position`. It first sends this position, so that also a client without any event can
    /// connect again where it was.
    pub fn new(client: Client, streams: Streams, tail: Arc<Tail>, position: EventPosition) -> Self {
        let id = EventId::new(client.scope.project_id(), position);
        let chunk = VecDeque::from([format!("retry: {RETRY}\nid: {id}\n\n").into()]);
        let (grown, ending) = (tail.subscribe(), streams.ending());
        let heartbeat_at = Instant::now() + HEARTBEAT;
        gauge!(OPEN).increment(1);
        Self { client, streams, tail, position, chunk, grown, ending, heartbeat_at }
    }

    /// The body of the response.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut reader| async {
            let bytes = reader.next().await?;
            Some((Ok(bytes), reader))
        })
    }

    /// What is sent next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.ending.borrow_and_update() || !self.client.revalidation.is_valid().await {
                return None;
            }
            if let Some(bytes) = self.chunk.pop_front() {
                self.heartbeat_at = Instant::now() + HEARTBEAT;
                return Some(bytes);
            }
            // Before the tail is read: what is added afterwards wakes this stream.
            self.grown.borrow_and_update();
            match self.tail.after(self.position, &self.client.filter) {
                Some(chunk) if chunk.last > self.position => self.go_on(chunk),
                Some(_) => {
                    if let Some(heartbeat) = self.wait().await {
                        return Some(heartbeat);
                    }
                }
                None => match self.read().await {
                    Ok(Some(chunk)) => self.go_on(chunk),
                    Ok(None) => return None,
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "a stream has ended; its client may connect again");
                        return None;
                    }
                },
            }
        }
    }

    fn go_on(&mut self, chunk: Chunk) {
        self.position = chunk.last;
        self.chunk = chunk.frames;
    }

    /// Events from the database. `None` when they were removed meanwhile: the client learns it when it connects again.
    async fn read(&self) -> Result<Option<Chunk>, feed::Error> {
        let Client { scope, filter, .. } = &self.client;
        if events::is_expired(scope, self.position).await? {
            return Ok(None);
        }
        let page = self.streams.read(scope, filter, self.position).await?;
        Ok(Some(Chunk::new(page.frames.iter(), filter, page.last)))
    }

    /// Waits for events, for the end, or for the next check. Returns a heartbeat when it is time for one.
    async fn wait(&mut self) -> Option<Bytes> {
        let now = Instant::now();
        if now >= self.heartbeat_at {
            self.heartbeat_at = now + HEARTBEAT;
            let id = EventId::new(self.client.scope.project_id(), self.position);
            return Some(format!("id: {id}\n\n").into());
        }
        tokio::select! {
            _ = self.grown.changed() => {}
            _ = self.ending.changed() => {}
            () = tokio::time::sleep_until(self.heartbeat_at.min(now + CHECK)) => {}
        }
        None
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        gauge!(OPEN).decrement(1);
    }
}
