//! The ways to the software of connections, kept between calls: some software takes half a second to let a user sign in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::Software;
use crate::connectors::Connector;
use crate::domain::ConnectionId;

/// The most that are kept. Beyond that, those that are used least make room.
const MOST: usize = 1_000;
/// How long one is kept. It holds what it once found out about the software, which may have been upgraded since.
const LONGEST: Duration = Duration::from_mins(10);

/// Connectors by their connections. Cheap to clone: all clones are the same.
#[derive(Clone)]
pub(super) struct Kept(Arc<Cache<ConnectionId, Entry>>);

#[derive(Debug, Clone)]
struct Entry {
    connector: Arc<dyn Connector>,
    /// What it was made of.
    software: Arc<Software>,
    until: Instant,
}

impl Default for Kept {
    fn default() -> Self {
        Self(Arc::new(Cache::new(MOST)))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("len", &self.0.len()).finish()
    }
}

impl Kept {
    /// The connector of a connection, if it was made of the same settings and secret.
    pub fn get(&self, connection: ConnectionId, software: &Software, now: Instant) -> Option<Arc<dyn Connector>> {
        let entry = self.0.get(&connection)?;
        (now < entry.until && entry.software.leads_where(software)).then_some(entry.connector)
    }

    /// Keeps it, in the place of an older one.
    pub fn put(&self, connection: ConnectionId, software: &Software, connector: &Arc<dyn Connector>, now: Instant) {
        let (connector, software) = (Arc::clone(connector), Arc::new(software.clone()));
        self.0.insert(connection, Entry { connector, software, until: now + LONGEST });
    }

    /// Keeps that of a connection no longer.
    pub fn forget(&self, connection: ConnectionId) {
        self.0.remove(&connection);
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use uuid::Uuid;

    use super::*;
    use crate::connectors::{Target, registry};
    use crate::management::connections::SoftwareStatus;
    use crate::outgoing::{BodyLimit, Client, Networks, Options};

    fn connector() -> Arc<dyn Connector> {
        let options = Options {
            networks: Networks::loopback(),
            ca_file: None,
            connect_timeout: Duration::from_secs(1),
            answer_limit: BodyLimit::Whole(1),
            networks_setting: "",
            max_idle_per_host: 1,
        };
        let target = Target {
            connection_id: ConnectionId(Uuid::nil()),
            url: "http://127.0.0.1:1".to_owned(),
            database: None,
            company: None,
            login: None,
            secret: SecretString::from("secret"),
        };
        let provider = registry::find("tryton").expect("a provider");
        provider.connect(target, Client::new(&options).expect("a client")).into()
    }

    fn software() -> Software {
        Software {
            provider: "tryton".to_owned(),
            url: "http://127.0.0.1:1".to_owned(),
            database: None,
            company: None,
            login: None,
            sealed_secret: vec![1],
            status: SoftwareStatus::Valid,
            failures: 0,
            is_revoked: false,
        }
    }

    #[test]
    fn connector_is_kept_while_its_settings_and_secret_are() {
        let (kept, connection, now) = (Kept::default(), ConnectionId(Uuid::from_u128(1)), Instant::now());
        let made = connector();
        kept.put(connection, &software(), &made, now);
        let is_kept = |software: &Software, now| kept.get(connection, software, now).is_some();
        assert!(kept.get(connection, &software(), now).is_some_and(|kept| Arc::ptr_eq(&kept, &made)));
        assert!(is_kept(&Software { failures: 3, ..software() }, now), "its state is no setting");
        for changed in [
            Software { url: "http://127.0.0.1:2".to_owned(), ..software() },
            Software { database: Some("acct".to_owned()), ..software() },
            Software { company: "2".parse().ok(), ..software() },
            Software { login: Some("other".to_owned()), ..software() },
            Software { sealed_secret: vec![2], ..software() },
            Software { provider: "odoo".to_owned(), ..software() },
        ] {
            assert!(!is_kept(&changed, now), "{changed:?}");
        }
        assert!(kept.get(ConnectionId(Uuid::from_u128(2)), &software(), now).is_none());
        assert!(!is_kept(&software(), now + LONGEST), "it is too old");
        kept.forget(connection);
        assert!(!is_kept(&software(), now));
    }

    #[test]
    fn no_more_are_kept_than_have_room() {
        let (kept, made) = (Kept::default(), connector());
        for number in 0..3 * MOST as u128 {
            kept.put(ConnectionId(Uuid::from_u128(number)), &software(), &made, Instant::now());
        }
        assert!(kept.0.len() <= MOST, "{kept:?}");
    }
}
