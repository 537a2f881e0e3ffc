//! A page of the feed as it is sent.

use super::tail::Frame;
use crate::auth::ProjectScope;
use crate::domain::EventPosition;
use crate::events::{self, Filter};
use crate::webhooks::feed::{self, bodies};

/// The most events that are read at a time.
const LIMIT: u16 = 64;

/// A page of the feed, written out.
#[derive(Debug)]
pub struct FramePage {
    pub frames: Vec<Frame>,
    /// The position up to which the feed was looked at.
    pub last: EventPosition,
    /// Whether the feed had no more events.
    pub is_end: bool,
}

impl FramePage {
    /// Reads the wanted events after `position` from the database.
    ///
    /// # Errors
    /// When the database fails, or an event has no body.
    pub async fn read(scope: &ProjectScope, filter: &Filter, position: EventPosition) -> Result<Self, feed::Error> {
        let page = events::read(scope, filter, position, LIMIT).await?;
        let bodies = bodies(scope, &page.events).await?;
        let frames = page.events.into_iter().zip(bodies).map(|(event, body)| Frame::new(scope, event, &body)).collect();
        Ok(Self { frames, last: page.last, is_end: page.is_end })
    }
}
