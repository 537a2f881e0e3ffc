//! What an event is, and which ones a reader wants.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::{ConnectionId, EventId, EventPattern, EventPosition, EventType, ProjectId};

/// An event of a project.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its place in the feed of the project.
    pub position: EventPosition,
    /// The connection that it happened to; `None` when it concerns the project alone.
    pub connection_id: Option<ConnectionId>,
    /// What happened.
    pub kind: EventType,
    /// To which object.
    pub object_id: Uuid,
    /// The members of the object that its row does not keep of that moment.
    pub state: Option<Box<RawValue>>,
    /// When the change was written.
    pub created_at: DateTime<Utc>,
}

impl Event {
    /// Its id, which all of its deliveries carry.
    #[must_use]
    pub fn id(&self, project: ProjectId) -> EventId {
        EventId::new(project, self.position)
    }
}

/// That a connection was made: an event with the little that existing client libraries can read of it.
#[derive(Debug)]
pub struct CreatedConnection {
    /// The place of the event in the feed of the project.
    pub position: EventPosition,
    /// The connection.
    pub connection_id: ConnectionId,
    /// The name of its accounting software; `none` without any.
    pub provider: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Which events a reader wants.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those of this connection.
    pub connection_id: Option<ConnectionId>,
    /// Only those with such names; empty for all.
    pub patterns: Vec<EventPattern>,
    /// Only those that were written after this time.
    pub created_after: Option<DateTime<Utc>>,
}

impl Filter {
    /// Whether an event is wanted.
    #[must_use]
    pub fn admits(&self, event: &Event) -> bool {
        self.connection_id.is_none_or(|connection| event.connection_id == Some(connection))
            && (self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(event.kind)))
            && self.created_after.is_none_or(|moment| event.created_at > moment)
    }
}

/// A part of a feed.
#[derive(Debug, Default)]
pub struct Page {
    /// The events that are wanted, in order.
    pub events: Vec<Event>,
    /// The position up to which the feed was looked at. The next page goes on after it.
    pub last: EventPosition,
    /// Whether the feed has no more events with a position.
    pub is_end: bool,
}

/// The feed after a step of giving positions.
#[derive(Debug, Clone, Copy)]
pub struct Sequenced {
    /// The last position.
    pub last: EventPosition,
    /// Whether further changes wait for theirs.
    pub has_more: bool,
}
