//! The queues of [`super::group_commit`]: one, or one for each node of a distributed database. A batch then commits on
//! one node, in one phase, and the payments of a node that is away do not delay the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::queue::{Error, PendingWrite};
use super::writer::keep_writing;
use crate::db::{NodeId, WriterPool};
use crate::domain::Clock;
use crate::events::Changes;

/// Cheap to clone: all clones share the queues.
#[derive(Debug, Clone)]
pub(super) struct Queues {
    pool: WriterPool,
    clock: Clock,
    changes: Changes,
    /// For every payment of a database that is not distributed.
    undivided: UnboundedSender<PendingWrite>,
    /// Each starts with the first payment for its node.
    of_nodes: Arc<Mutex<HashMap<NodeId, UnboundedSender<PendingWrite>>>>,
}

impl Queues {
    /// Starts a writer for each session of `pool`.
    pub fn start(pool: &WriterPool, clock: &Clock, changes: &Changes) -> Self {
        Self {
            undivided: start(pool, clock, changes),
            of_nodes: Arc::default(),
            pool: pool.clone(),
            clock: clock.clone(),
            changes: changes.clone(),
        }
    }

    /// Puts a payment into its queue.
    pub fn send(&self, payment: PendingWrite) -> Result<(), Error> {
        let sent = match self.pool.node_of(payment.row.scope.connection_id()) {
            None => self.undivided.send(payment),
            Some(node) => {
                let mut queues = self.of_nodes.lock().unwrap_or_else(PoisonError::into_inner);
                queues
                    .entry(node)
                    .or_insert_with(|| start(&self.pool.on(node), &self.clock, &self.changes))
                    .send(payment)
            }
        };
        sent.map_err(|_| Error::Full)
    }
}

/// A queue with its writers.
fn start(pool: &WriterPool, clock: &Clock, changes: &Changes) -> UnboundedSender<PendingWrite> {
    let (queue, waiting) = unbounded_channel();
    let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
    for _ in 0..pool.size() {
        tokio::spawn(keep_writing(Arc::clone(&waiting), pool.clone(), clock.clone(), changes.clone()));
    }
    queue
}
