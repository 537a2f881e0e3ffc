//! How often changes of a project get positions for its endpoints.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{EventPosition, ProjectId};
use crate::events::Sequenced;

/// How much later the next changes get positions for each event that came last time. So a single event is sent at once,
/// and above 250 events a second many are sent together: a step costs the database as much for one event as for many.
const REST_PER_EVENT: Duration = Duration::from_millis(4);
/// The longest time between two looks.
const LONGEST_REST: Duration = Duration::from_millis(100);

/// When each project's changes get positions again. Cheap to clone: all clones share it.
#[derive(Debug, Clone, Default)]
pub struct Pace(Arc<Mutex<HashMap<ProjectId, Given>>>);

/// What was given last.
#[derive(Debug, Clone, Copy)]
struct Given {
    last: EventPosition,
    next: Instant,
}

impl Pace {
    /// Whether changes may get positions now.
    pub fn is_due(&self, project: ProjectId) -> bool {
        let projects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        projects.get(&project).is_none_or(|given| given.next <= Instant::now())
    }

    /// Changes have got positions.
    pub fn given(&self, project: ProjectId, sequenced: Sequenced) {
        let Sequenced { last, has_more } = sequenced;
        let mut projects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = projects.get(&project).map_or(last, |given| given.last);
        let events = u32::try_from(last.0 - before.0).unwrap_or_default();
        let rest = if has_more { Duration::ZERO } else { REST_PER_EVENT.saturating_mul(events).min(LONGEST_REST) };
        projects.insert(project, Given { last, next: Instant::now() + rest });
    }

    /// Forgets all other projects.
    pub fn keep(&self, is_kept: impl Fn(&ProjectId) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|project, _| is_kept(project));
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn rest_after(last: i64, events: i64, has_more: bool) -> Duration {
        let (pace, project) = (Pace::default(), ProjectId(Uuid::from_u128(1)));
        for (last, has_more) in [(last - events, false), (last, has_more)] {
            pace.given(project, Sequenced { last: EventPosition(last), has_more });
        }
        let next = pace.0.lock().expect("no panic")[&project].next;
        next - Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn many_events_are_followed_by_a_longer_rest() {
        assert_eq!(rest_after(7, 1, false), Duration::from_millis(4));
        assert_eq!(rest_after(90, 10, false), Duration::from_millis(40));
        assert_eq!(rest_after(9_000, 1_000, false), Duration::from_millis(100));
        assert_eq!(rest_after(9_000, 1_000, true), Duration::ZERO, "more wait already");
    }

    #[tokio::test(start_paused = true)]
    async fn projects_rest_alone_and_not_for_ever() {
        let pace = Pace::default();
        let [busy, quiet] = [1, 2].map(|number| ProjectId(Uuid::from_u128(number)));
        for last in [1, 11] {
            pace.given(busy, Sequenced { last: EventPosition(last), has_more: false });
        }
        assert_eq!([pace.is_due(busy), pace.is_due(quiet)], [false, true]);
        tokio::time::advance(Duration::from_millis(40)).await;
        assert!(pace.is_due(busy));
        pace.keep(|_| false);
        assert!(pace.0.lock().expect("no panic").is_empty());
    }
}
