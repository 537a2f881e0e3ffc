//! What calls have shown of the software behind a connection.

use std::time::Duration;

use crate::auth::JobScope;
use crate::db;
use crate::domain::EventType;
use crate::events;
use crate::management::connections::Software;

/// What a call has shown of the software behind a connection.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    /// It answered: the circuit closes.
    Good,
    /// It failed, and no call is made for a while.
    Bad(Duration),
    /// It asks for a pause.
    Wait(Duration),
    /// It refused the credentials, so a person must act: a code, and the software's text.
    NeedsReauth(&'a str, &'a str),
}

/// Records what a call with these credentials has shown. Credentials that were changed meanwhile keep their status.
///
/// # Errors
/// When the database fails.
pub async fn record_health(job: &JobScope, used: &Software, record: Record<'_>) -> Result<(), db::Error> {
    let (failures, pause, reauth) = match record {
        Record::Good => (0, None, None),
        Record::Bad(pause) => (1, Some(pause), None),
        Record::Wait(pause) => (0, Some(pause), None),
        Record::NeedsReauth(code, detail) => (0, None, Some((code, detail))),
    };
    let is_good = matches!(record, Record::Good);
    let mut transaction = job.transaction().await?;
    let changed = sqlx::query!(
        "
        update connection_software
        set failures = case when $3 then 0 else failures + $4 end,
            retry_at = case when $3 then null
                            else greatest(retry_at, time.now + $5::bigint * interval '1 millisecond') end,
            status = case when $6::text is null then status else 'needs_reauth' end,
            status_reason = coalesce($6, status_reason),
            status_detail = coalesce($7, status_detail),
            status_since = case when $6::text is null then status_since else time.now end,
            modified_at = time.now
        from (select statement_timestamp() as now) time
        where connection_id = $1 and sealed_secret = $2 and status = 'valid'
        ",
        job.connection_id().0,
        used.sealed_secret,
        is_good,
        failures,
        pause.map(|pause| i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)),
        reauth.map(|(code, _)| code),
        reauth.map(|(_, detail)| detail),
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    if changed.rows_affected() > 0 && reauth.is_some() {
        let connection = transaction.connection_id().0;
        events::announce(&mut transaction, EventType::ConnectionNeedsReauth, &[connection], None).await?;
    }
    transaction.commit().await
}
