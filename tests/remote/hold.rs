//! A request that is under way for as long as a test wants.

use tokio::sync::oneshot;

/// The test's side. A request is delivered when this is dropped, at the latest.
pub struct Held {
    arrived: oneshot::Receiver<String>,
    released: oneshot::Sender<()>,
    answered: oneshot::Receiver<()>,
}

/// The link's side. The test knows that the software has answered when this is dropped.
pub struct Hold {
    arrived: Option<oneshot::Sender<String>>,
    released: oneshot::Receiver<()>,
    _answered: oneshot::Sender<()>,
}

/// The two sides of a request.
pub fn hold() -> (Hold, Held) {
    let (arrived, has_arrived) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let (answer, answered) = oneshot::channel();
    let hold = Hold { arrived: Some(arrived), released, _answered: answer };
    (hold, Held { arrived: has_arrived, released: release, answered })
}

impl Held {
    /// Waits until the request is on its way, and returns it. `None` when the link was disarmed before.
    pub async fn arrived(&mut self) -> Option<String> {
        (&mut self.arrived).await.ok()
    }

    /// Lets the software have it, and waits until it has answered.
    pub async fn deliver(self) {
        drop(self.released);
        self.answered.await.ok();
    }
}

impl Hold {
    /// Waits until the test lets a request go on.
    pub async fn until_released(&mut self, request: &[u8]) {
        if let Some(arrived) = self.arrived.take() {
            arrived.send(String::from_utf8_lossy(request).into_owned()).ok();
        }
        (&mut self.released).await.ok();
    }
}
