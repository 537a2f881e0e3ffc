//! How fresh a resource is.

use chrono::{DateTime, Utc};

use crate::auth::Scope;
use crate::db;
use crate::domain::references::Resource;

/// When the last complete pull of a resource began: what the software had then is here. `None` before the first one.
///
/// # Errors
/// When the database fails.
pub async fn last_synced_at(scope: &Scope, resource: Resource) -> Result<Option<DateTime<Utc>>, db::Error> {
    let statement = scope.statement().await?;
    let at = sqlx::query_scalar!(
        "select last_synced_at from pull_progress where connection_id = $1 and resource = $2",
        scope.connection_id().0,
        resource.as_str(),
    )
    .fetch_optional(statement)
    .await?;
    Ok(at.flatten())
}
