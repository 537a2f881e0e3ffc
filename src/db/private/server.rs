//! Runs `postgres` and waits until it can be used.

use std::{
    ffi::OsString,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use sqlx::{Connection as _, PgConnection};
use tokio::time::{sleep, timeout};

use super::{
    error::PrivatePostgresError,
    orphan,
    site::{NAME, PORT, Site},
    supervised::{POLL, Supervised},
};

/// How long a start may take. After a power cut Postgres first replays its log, which is slow on a slow disk.
const READY_LIMIT: Duration = Duration::from_mins(2);
/// How long an orphan may block a start. The processes of a killed server end as soon as they notice.
const ORPHAN_LIMIT: Duration = Duration::from_secs(10);

/// Starts the server and creates the database `unibooks` unless it exists.
pub(super) async fn start(site: &Site, settings: &[(String, String)]) -> Result<Supervised, PrivatePostgresError> {
    let started = Instant::now();
    loop {
        orphan::end(site).await?;
        match attempt(site, settings).await {
            Err(error) if is_blocked_by_orphan(site, &error) && started.elapsed() < ORPHAN_LIMIT => sleep(POLL).await,
            outcome => return outcome,
        }
    }
}

/// Whether a start failed because of an orphan. It may not have written its pid file when we looked. Or the last
/// processes of a killed server still hold its memory.
fn is_blocked_by_orphan(site: &Site, error: &PrivatePostgresError) -> bool {
    let PrivatePostgresError::Failed { tail, .. } = error else { return false };
    orphan::find(&site.cluster).is_some() || tail.contains("pre-existing shared memory block")
}

async fn attempt(site: &Site, settings: &[(String, String)]) -> Result<Supervised, PrivatePostgresError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let instance = format!("{}-{}", std::process::id(), now.as_nanos());
    let args = arguments(site, settings, &instance);
    let mut server = Supervised::start(&site.binaries.postgres(), args, &site.run_as, &site.log)?;
    let started = Instant::now();
    loop {
        if let Some(status) = server.exit_status()? {
            let (log, tail) = (site.log.path.clone(), site.log.tail());
            return Err(PrivatePostgresError::Failed { program: "postgres", status: status.to_string(), log, tail });
        }
        let remaining = READY_LIMIT.saturating_sub(started.elapsed());
        match timeout(remaining, is_ready(site, &instance)).await {
            Ok(Ok(true)) => return Ok(server),
            Ok(Ok(false)) => {}
            Ok(Err(error)) if is_transient(&error) => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => {
                let (seconds, log, tail) = (READY_LIMIT.as_secs(), site.log.path.clone(), site.log.tail());
                return Err(PrivatePostgresError::NotReady { seconds, log, tail });
            }
        }
        sleep(POLL).await;
    }
}

fn arguments(site: &Site, settings: &[(String, String)], instance: &str) -> Vec<OsString> {
    // `orphan` recognises a server by `-D <cluster>` in two arguments.
    let mut args = vec![OsString::from("-D"), site.cluster.clone().into()];
    let mut sockets = OsString::from("unix_socket_directories=");
    sockets.push(quoted(&site.socket));
    let ours = [
        "listen_addresses=".into(),
        sockets,
        "unix_socket_permissions=0700".into(),
        format!("port={PORT}").into(),
        format!("unibooks.instance={instance}").into(),
    ];
    let theirs = settings.iter().map(|(name, value)| format!("{name}={value}").into());
    for setting in ours.into_iter().chain(theirs) {
        args.extend([OsString::from("-c"), setting]);
    }
    args
}

/// A path as one entry of a setting that is a list: commas and quotes in it must be quoted.
fn quoted(path: &Path) -> OsString {
    path.to_str().map_or_else(|| path.into(), |text| format!("\"{}\"", text.replace('"', "\"\"")).into())
}

/// Whether our own server can be used, and not an orphan on the same socket. Creates the database when it is missing.
async fn is_ready(site: &Site, instance: &str) -> Result<bool, sqlx::Error> {
    let mut session = match PgConnection::connect_with(&site.connect_options(NAME)).await {
        Ok(session) => session,
        Err(error) if has_code(&error, "3D000") => {
            // The first start, or one after a first start that was killed between `initdb` and here.
            let mut session = PgConnection::connect_with(&site.connect_options("postgres")).await?;
            sqlx::raw_sql("create database unibooks").execute(&mut session).await?;
            session.close().await?;
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    let ours = sqlx::query_scalar("select current_setting('unibooks.instance', true) is not distinct from $1");
    let ours = ours.bind(instance).fetch_one(&mut session).await?;
    session.close().await?;
    Ok(ours)
}

/// Whether another attempt may succeed: the server does not listen yet, starts or stops, or an orphan has just ended.
fn is_transient(error: &sqlx::Error) -> bool {
    error.as_database_error().is_none() || ["57P01", "57P02", "57P03"].iter().any(|code| has_code(error, code))
}

fn has_code(error: &sqlx::Error, wanted: &str) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_one_entry_of_the_list() {
        assert_eq!(quoted(Path::new("/a, b/\"c\"")), "\"/a, b/\"\"c\"\"\"");
    }
}
