//! The log of events: what is committed is read once, in the order of each connection.

mod kills;
mod notifications;
mod order;
mod projects;

use unibooks::auth::{JobTransaction, ProjectScope, Worker};
use unibooks::domain::{EventPosition, EventType};
use unibooks::events::{self, Event, Filter};
use uuid::Uuid;

use crate::support::app::{App, Tenant};

/// The rows of the tenant's project, as a task of this server has them.
fn project(app: &App, tenant: &Tenant) -> ProjectScope {
    Worker::from_app(app.database.clone()).project(tenant.project_id)
}

/// A transaction in which an object of the tenant's connection has changed.
async fn changed(app: &App, tenant: &Tenant, object: Uuid) -> Result<JobTransaction, unibooks::db::Error> {
    let mut transaction = project(app, tenant).job(tenant.connection_id).transaction().await?;
    events::announce(&mut transaction, EventType::PaymentUpdated, &[object], None).await?;
    Ok(transaction)
}

/// A change of an object that is committed.
async fn change(app: &App, tenant: &Tenant, object: Uuid) {
    changed(app, tenant, object).await.expect("announced").commit().await.expect("committed");
}

/// An object of a test.
const fn object(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn objects(events: &[Event]) -> Vec<Uuid> {
    events.iter().map(|event| event.object_id).collect()
}

/// Follows a feed from its beginning.
struct Reader {
    scope: ProjectScope,
    filter: Filter,
    cursor: EventPosition,
    /// What it has read so far.
    seen: Vec<Event>,
}

impl Reader {
    fn new(scope: ProjectScope) -> Self {
        Self { scope, filter: Filter::default(), cursor: EventPosition::default(), seen: Vec::new() }
    }

    /// Reads on to the present end of the feed, after all that is committed has a position.
    async fn read(&mut self) -> Result<(), unibooks::db::Error> {
        while events::sequence(&self.scope).await?.has_more {}
        loop {
            let page = events::read(&self.scope, &self.filter, self.cursor, 7).await?;
            self.seen.extend(page.events);
            self.cursor = page.last;
            if page.is_end {
                return Ok(());
            }
        }
    }

    /// The objects of all events so far.
    async fn objects(&mut self) -> Vec<Uuid> {
        self.read().await.expect("read");
        objects(&self.seen)
    }
}
