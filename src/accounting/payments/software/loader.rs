//! Create calls of one connection share the statement that reads what their payments refer to.
//!
//! A connection has one read under way. The calls that come meanwhile wait, and the next read is for all of them (a data
//! loader). A call that comes alone reads at once. No call is answered by a read that began before it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::referred::Referred;
use crate::accounting::payments::PaymentData;
use crate::accounting::references::{Software, software};
use crate::auth::Scope;
use crate::db;
use crate::domain::{ConnectionId, ReferenceId};

/// A read with this many ids takes no further payment.
const READ_IDS: usize = 1_000;

/// The software behind a connection, and the objects in it that payments name.
#[derive(Debug)]
pub struct Books {
    /// The software.
    pub software: Software,
    /// The objects.
    pub referred: Referred,
}

impl Books {
    /// Reads the software, and the objects with these ids.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(scope: &Scope, ids: &[ReferenceId]) -> Result<Self, db::Error> {
        let (software, objects) = software(scope, ids).await?;
        Ok(Self { software, referred: Referred::new(objects)? })
    }
}

/// The result of a read. All calls that share it share a failure, too.
type Outcome = Result<Arc<Books>, db::Error>;

/// Reads what payments refer to. Cheap to clone: all clones share the reads.
#[derive(Debug, Clone, Default)]
pub struct Loader(Arc<Mutex<HashMap<ConnectionId, Reads>>>);

/// The reads of a connection.
#[derive(Debug, Default)]
struct Reads {
    /// Calls that wait for one of them.
    calls: usize,
    /// Held by the one that is under way.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The one that calls may still join.
    next: Arc<Read>,
}

#[derive(Debug, Default)]
struct Read {
    ids: Mutex<HashSet<ReferenceId>>,
    outcome: OnceCell<Outcome>,
}

impl Loader {
    /// Reads what this payment refers to. The result may hold more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(&self, scope: &Scope, data: &PaymentData) -> Outcome {
        let read = async |ids: Vec<ReferenceId>| Books::read(scope, &ids).await.map(Arc::new);
        self.join(scope.connection_id(), Referred::ids(data), read).await
    }

    /// The outcome of the next read of the connection. `read` is for the call that begins it.
    async fn join(
        &self,
        connection: ConnectionId,
        ids: Vec<ReferenceId>,
        read: impl AsyncFnOnce(Vec<ReferenceId>) -> Outcome,
    ) -> Outcome {
        let call = self.call(connection, ids);
        let begin = async || {
            let _turn = call.turn.lock().await;
            read(call.begin()).await
        };
        // When the call that begins a read is cancelled, the next one begins it again.
        call.read.outcome.get_or_init(begin).await.clone()
    }

    /// Adds a call to the next read of its connection.
    fn call(&self, connection: ConnectionId, ids: Vec<ReferenceId>) -> Call<'_> {
        let mut all = self.reads();
        let reads = all.entry(connection).or_default();
        reads.calls += 1;
        if reads.next.ids().len() >= READ_IDS {
            reads.next = Arc::default();
        }
        reads.next.ids().extend(ids);
        Call { loader: self, connection, turn: Arc::clone(&reads.turn), read: Arc::clone(&reads.next) }
    }

    fn reads(&self) -> MutexGuard<'_, HashMap<ConnectionId, Reads>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read {
    fn ids(&self) -> MutexGuard<'_, HashSet<ReferenceId>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that waits for a read.
struct Call<'a> {
    loader: &'a Loader,
    connection: ConnectionId,
    turn: Arc<tokio::sync::Mutex<()>>,
    read: Arc<Read>,
}

impl Call<'_> {
    /// Begins its read, which no call joins any more. Returns the ids to read.
    fn begin(&self) -> Vec<ReferenceId> {
        if let Some(reads) = self.loader.reads().get_mut(&self.connection)
            && Arc::ptr_eq(&reads.next, &self.read)
        {
            reads.next = Arc::default();
        }
        self.read.ids().iter().copied().collect()
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut all = self.loader.reads();
        if let Some(reads) = all.get_mut(&self.connection) {
            reads.calls -= 1;
            if reads.calls == 0 {
                all.remove(&self.connection);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};
    use uuid::Uuid;

    use super::*;

    const ONE: ConnectionId = ConnectionId(Uuid::from_u128(1));
    const OTHER: ConnectionId = ConnectionId(Uuid::from_u128(2));

    fn id(n: u128) -> ReferenceId {
        ReferenceId(Uuid::from_u128(n))
    }

    /// The ids of a read that begins, and where to send its end.
    type Begun = (Vec<ReferenceId>, oneshot::Sender<()>);

    /// A call that names these objects. Each read that it begins is sent to `begun`, and fails when it has ended.
    fn call(
        loader: &Loader,
        connection: ConnectionId,
        ids: &[u128],
        begun: &mpsc::Sender<Begun>,
    ) -> tokio::task::JoinHandle<Outcome> {
        let (loader, begun) = (loader.clone(), begun.clone());
        let ids = ids.iter().copied().map(id).collect();
        tokio::spawn(async move {
            let read = async |mut ids: Vec<ReferenceId>| {
                ids.sort_by_key(|id| id.0);
                let (end, ended) = oneshot::channel();
                begun.send((ids, end)).await.expect("the test waits");
                ended.await.ok();
                Err(sqlx::Error::PoolClosed.into())
            };
            loader.join(connection, ids, read).await
        })
    }

    #[tokio::test]
    async fn calls_during_a_read_share_the_next_one() {
        let (loader, (begun, mut reads)) = (Loader::default(), mpsc::channel(9));
        let first = call(&loader, ONE, &[1], &begun);
        let (ids, end) = reads.recv().await.expect("a read");
        assert_eq!(ids, [id(1)]);
        let others = [call(&loader, ONE, &[1, 2], &begun), call(&loader, ONE, &[3, 2], &begun)];
        tokio::task::yield_now().await;
        // Another connection does not wait.
        call(&loader, OTHER, &[4], &begun);
        let (ids, _) = reads.recv().await.expect("a read");
        assert_eq!(ids, [id(4)]);
        assert!(reads.try_recv().is_err(), "one read of a connection at a time");
        end.send(()).expect("it waits");
        first.await.expect("an end").expect_err("all share a failure");
        let (ids, end) = reads.recv().await.expect("a read");
        assert_eq!(ids, [id(1), id(2), id(3)]);
        end.send(()).expect("it waits");
        for call in others {
            call.await.expect("an end").expect_err("all share a failure");
        }
        assert!(reads.try_recv().is_err(), "one read was for both");
        assert!(loader.reads().is_empty());
    }

    #[tokio::test]
    async fn read_of_a_cancelled_call_is_begun_again() {
        let (loader, (begun, mut reads)) = (Loader::default(), mpsc::channel(9));
        let first = call(&loader, ONE, &[1], &begun);
        let (_, end) = reads.recv().await.expect("a read");
        let (cancelled, waiting) = (call(&loader, ONE, &[2], &begun), call(&loader, ONE, &[3], &begun));
        tokio::task::yield_now().await;
        end.send(()).expect("it waits");
        first.await.expect("an end").expect_err("a failure");
        let (ids, _end) = reads.recv().await.expect("a read");
        assert_eq!(ids, [id(2), id(3)]);
        cancelled.abort();
        let (again, _) = reads.recv().await.expect("a read");
        assert_eq!(again, ids);
        waiting.await.expect("an end").expect_err("a failure");
        assert!(loader.reads().is_empty());
    }

    #[tokio::test]
    async fn large_read_takes_no_further_payment() {
        let (loader, (begun, mut reads)) = (Loader::default(), mpsc::channel(9));
        let first = call(&loader, ONE, &[0], &begun);
        let (_, end) = reads.recv().await.expect("a read");
        let large: Vec<u128> = (1..=READ_IDS as u128).collect();
        let calls = [call(&loader, ONE, &large, &begun), call(&loader, ONE, &[5_000], &begun)];
        tokio::task::yield_now().await;
        end.send(()).expect("it waits");
        first.await.expect("an end").expect_err("a failure");
        let (ids, end) = reads.recv().await.expect("a read");
        assert_eq!(ids.len(), READ_IDS);
        end.send(()).expect("it waits");
        let (ids, _) = reads.recv().await.expect("a read");
        assert_eq!(ids, [id(5_000)]);
        for call in calls {
            call.await.expect("an end").expect_err("a failure");
        }
    }
}
