//! A page of keys is compared with what is stored.

use std::collections::{HashMap, HashSet};

use super::store::Known;
use crate::connectors::{Error, KeyPage, RemoteKey};
use crate::domain::references::Resource;
use crate::domain::{ConnectionId, ReferenceId};

/// The keys of a page with our ids, checked: they are in ascending order behind `after`, and there are some unless it is
/// the last page. Otherwise a pull would never end, or take objects for gone.
///
/// # Errors
/// [`Error::Protocol`].
pub fn checked(
    page: &KeyPage,
    after: Option<&RemoteKey>,
    connection: ConnectionId,
    resource: Resource,
) -> Result<Vec<(ReferenceId, RemoteKey)>, Error> {
    let mut last = after.map(|key| key.position.as_str());
    let mut ids = HashSet::new();
    let mut keys = Vec::with_capacity(page.keys.len());
    for key in &page.keys {
        let id = resource.id(connection, &key.remote_id);
        if last.is_some_and(|last| last.as_bytes() >= key.position.as_bytes()) || !ids.insert(id) {
            return Err(Error::Protocol(format!("the keys of {} are not in their order", resource.as_str())));
        }
        last = Some(&key.position);
        keys.push((id, key.clone()));
    }
    if keys.is_empty() && !page.is_last {
        return Err(Error::Protocol(format!("a page of {} is empty and is not the last", resource.as_str())));
    }
    Ok(keys)
}

/// The keys of objects that must be read: those that are not stored, were gone, or may have changed.
pub fn changed(keys: &[(ReferenceId, RemoteKey)], known: &HashMap<ReferenceId, Known>) -> Vec<RemoteKey> {
    let is_as_stored = |(id, key): &&(ReferenceId, RemoteKey)| {
        known.get(id).is_some_and(|known| {
            !known.remote_was_deleted && known.stamp == key.stamp && known.position == key.position
        })
    };
    keys.iter().filter(|entry| !is_as_stored(entry)).map(|(_, key)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const CONNECTION: ConnectionId = ConnectionId(Uuid::nil());

    fn key(position: &str, stamp: &str) -> RemoteKey {
        RemoteKey {
            remote_id: position.parse().expect("a remote id"),
            position: position.to_owned(),
            stamp: stamp.to_owned(),
        }
    }

    fn check(positions: &[&str], is_last: bool, after: Option<&str>) -> Result<Vec<(ReferenceId, RemoteKey)>, Error> {
        let keys = positions.iter().map(|position| key(position, "1")).collect();
        let after = after.map(|position| key(position, "1"));
        checked(&KeyPage { keys, is_last }, after.as_ref(), CONNECTION, Resource::Invoice)
    }

    #[test]
    fn keys_ascend_from_where_the_last_page_ended() {
        assert_eq!(check(&["01", "02", "10"], false, Some("00")).expect("good").len(), 3);
        assert_eq!(check(&[], true, Some("00")).expect("good").len(), 0);
        for (positions, after) in [
            (&["02", "01"][..], None),
            (&["01", "01"], None),
            (&["01"], Some("01")),
            (&["01"], Some("02")),
            (&[], None),
        ] {
            assert!(check(positions, false, after).is_err(), "{positions:?} after {after:?}");
        }
    }

    #[test]
    fn only_what_may_have_changed_is_read() {
        let keys = check(&["1", "2", "3", "4", "5"], true, None).expect("good");
        let stored = |stamp: &str, position: &str, remote_was_deleted| Known {
            stamp: stamp.to_owned(),
            position: position.to_owned(),
            remote_was_deleted,
        };
        let known = HashMap::from([
            (keys[0].0, stored("1", "1", false)),
            (keys[1].0, stored("0", "2", false)),
            (keys[2].0, stored("1", "3", true)),
            (keys[3].0, stored("1", "0", false)),
        ]);
        let changed: Vec<_> = changed(&keys, &known).into_iter().map(|key| key.position).collect();
        assert_eq!(changed, ["2", "3", "4", "5"]);
    }
}
