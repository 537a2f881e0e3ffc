//! How the software had a payment when it was last seen there.

use chrono::{DateTime, Utc};

use crate::auth::JobScope;
use crate::db;
use crate::domain::{PaymentId, RemoteStatus};

/// How the software had a payment.
#[derive(Debug)]
pub struct SeenBefore {
    /// What that is here.
    pub status: RemoteStatus,
    /// The software's record.
    pub record: Option<String>,
    /// When that had changed last.
    pub changed_at: Option<DateTime<Utc>>,
}

/// Reads it; `None` when there is no such payment, or no software.
///
/// # Errors
/// When the database fails.
pub async fn seen_before(job: &JobScope, payment: PaymentId) -> Result<Option<SeenBefore>, db::Error> {
    let statement = job.statement().await?;
    let row = sqlx::query!(
        r#"
        select remote_status as "remote_status!", remote_data::text as remote_data, remote_updated_at
        from payment
        where connection_id = $1 and id = $2 and remote_status is not null
        "#,
        job.connection_id().0,
        payment.0,
    )
    .fetch_optional(statement)
    .await?;
    let seen = row.map(|row| {
        Ok::<_, sqlx::Error>(SeenBefore {
            status: row.remote_status.parse().map_err(db::corrupt_row)?,
            record: row.remote_data,
            changed_at: row.remote_updated_at,
        })
    });
    Ok(seen.transpose()?)
}
