//! The end of a project's feed, written out once for all streams that are up to date.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use tokio::sync::watch;

use crate::auth::ProjectScope;
use crate::domain::EventPosition;
use crate::events::{Event, Filter};

/// The most bytes of a tail. A stream that lags further behind reads from the database.
const MAX_BYTES: usize = 128 * 1_024;
/// The most bytes that a stream takes at a time, unless one event has more. So what a slow reader holds is bounded.
const CHUNK_BYTES: usize = 16 * 1_024;

/// An event as it is sent. The bytes are shared by all streams.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Without its state, which is in the bytes.
    event: Event,
    bytes: Bytes,
}

impl Frame {
    /// Writes an event with its body, which has no line breaks.
    pub fn new(scope: &ProjectScope, mut event: Event, body: &[u8]) -> Self {
        let head = format!("id: {}\nevent: {}\ndata: ", event.id(scope.project_id()), event.kind.as_str());
        let bytes = [head.as_bytes(), body, b"\n\n"].concat().into();
        event.state = None;
        Self { event, bytes }
    }
}

/// A part of a stream.
#[derive(Debug)]
pub struct Chunk {
    /// What is sent.
    pub frames: VecDeque<Bytes>,
    /// The position up to which the feed was looked at.
    pub last: EventPosition,
}

impl Chunk {
    /// The first of these events that are wanted, up to a number of bytes. `last` is the position of the last of all.
    pub fn new<'a>(frames: impl Iterator<Item = &'a Frame>, filter: &Filter, last: EventPosition) -> Self {
        let mut chunk = Self { frames: VecDeque::new(), last };
        let mut bytes = 0;
        for frame in frames.filter(|frame| filter.admits(&frame.event)) {
            if bytes > 0 && bytes + frame.bytes.len() > CHUNK_BYTES {
                // All up to this one are sent, or were not wanted.
                chunk.last = EventPosition(frame.event.position.0 - 1);
                break;
            }
            bytes += frame.bytes.len();
            chunk.frames.push_back(frame.bytes.clone());
        }
        chunk
    }
}

/// The end of a project's feed. It is kept as long as a stream reads it.
#[derive(Debug)]
pub struct Tail {
    frames: Mutex<Frames>,
    end: watch::Sender<EventPosition>,
}

#[derive(Debug)]
struct Frames {
    /// Every event after `start` is here, up to the end.
    start: EventPosition,
    bytes: usize,
    kept: VecDeque<Frame>,
}

impl Tail {
    /// A tail without events, which begins at the end of the feed.
    pub fn new(end: EventPosition) -> Self {
        let frames = Frames { start: end, bytes: 0, kept: VecDeque::new() };
        Self { frames: Mutex::new(frames), end: watch::Sender::new(end) }
    }

    /// The position of the last event.
    pub fn end(&self) -> EventPosition {
        *self.end.borrow()
    }

    /// Says when the end moves on.
    pub fn subscribe(&self) -> watch::Receiver<EventPosition> {
        self.end.subscribe()
    }

    /// Adds the events after the end, up to `last`. Only one task may add.
    pub fn extend(&self, added: Vec<Frame>, last: EventPosition) {
        let mut frames = self.frames();
        frames.bytes += added.iter().map(|frame| frame.bytes.len()).sum::<usize>();
        frames.kept.extend(added);
        while frames.bytes > MAX_BYTES
            && let Some(frame) = frames.kept.pop_front()
        {
            frames.bytes -= frame.bytes.len();
            frames.start = frame.event.position;
        }
        drop(frames);
        self.end.send_replace(last);
    }

    /// The wanted events after `position`; `None` when the tail begins later.
    pub fn after(&self, position: EventPosition, filter: &Filter) -> Option<Chunk> {
        // Before the frames are locked: they reach at least so far.
        let end = self.end();
        let frames = self.frames();
        if position < frames.start {
            return None;
        }
        let first = frames.kept.partition_point(|frame| frame.event.position <= position);
        let until = frames.kept.partition_point(|frame| frame.event.position <= end);
        Some(Chunk::new(frames.kept.range(first..until), filter, end.max(position)))
    }

    fn frames(&self) -> MutexGuard<'_, Frames> {
        // A panic elsewhere leaves frames that are whole.
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
