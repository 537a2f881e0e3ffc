//! What waits for a slow endpoint gives its place to others.

use std::sync::Arc;
use std::time::Duration;

use tokio::pin;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// After this time the place is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Room for work that is slow, beside the places for all other work. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct Slow(Arc<Semaphore>);

impl Slow {
    /// Room for `capacity`, in a unit of the caller's.
    pub fn new(capacity: usize) -> Self {
        Self(Arc::new(Semaphore::new(capacity)))
    }

    /// Does `work`, which holds `place` for a second at most, and then `size` of the room for slow work. While there is
    /// no such room, it keeps its place.
    pub async fn run<T>(&self, place: impl Sized, size: u32, work: impl Future<Output = T>) -> T {
        pin!(work);
        if let Ok(done) = timeout(PATIENCE, &mut work).await {
            return done;
        }
        if let Ok(_room) = self.0.try_acquire_many(size) {
            drop(place);
            work.await
        } else {
            let _place = place;
            work.await
        }
    }
}
