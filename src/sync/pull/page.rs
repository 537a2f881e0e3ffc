//! A page of keys is compared with what is stored.

use std::collections::{HashMap, HashSet};

use super::pulled::Pulled;
use super::store::Known;
use crate::connectors::{Error, KeyPage, RemoteKey};
use crate::domain::ReferenceId;

/// Checks the keys of a page: they are in ascending order behind `after`, and there are some unless it is the last page.
/// Otherwise a pull would never end, or take objects for gone.
///
/// # Errors
/// [`Error::Protocol`].
pub fn check(page: &KeyPage, after: Option<&RemoteKey>, pulled: Pulled) -> Result<(), Error> {
    let mut last = after.map(|key| key.position.as_str());
    let mut ids = HashSet::new();
    for key in &page.keys {
        if last.is_some_and(|last| last.as_bytes() >= key.position.as_bytes()) || !ids.insert(&key.remote_id) {
            return Err(Error::Protocol(format!("the keys of {} are not in their order", pulled.as_str())));
        }
        last = Some(&key.position);
    }
    if page.keys.is_empty() && !page.is_last {
        return Err(Error::Protocol(format!("a page of {} is empty and is not the last", pulled.as_str())));
    }
    Ok(())
}

/// The keys of objects that must be read: those that are not stored, were gone, or may have changed.
pub fn changed(keys: &[RemoteKey], ids: &[ReferenceId], known: &HashMap<ReferenceId, Known>) -> Vec<RemoteKey> {
    let is_as_stored = |id: &ReferenceId, key: &RemoteKey| {
        known.get(id).is_some_and(|known| {
            !known.remote_was_deleted && known.stamp == key.stamp && known.position == key.position
        })
    };
    ids.iter().zip(keys).filter(|(id, key)| !is_as_stored(id, key)).map(|(_, key)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(position: &str, stamp: &str) -> RemoteKey {
        RemoteKey {
            remote_id: position.parse().expect("a remote id"),
            position: position.to_owned(),
            stamp: stamp.to_owned(),
        }
    }

    fn checked(positions: &[&str], is_last: bool, after: Option<&str>) -> Result<(), Error> {
        let keys = positions.iter().map(|position| key(position, "1")).collect();
        let after = after.map(|position| key(position, "1"));
        check(&KeyPage { keys, is_last }, after.as_ref(), Pulled::Payments)
    }

    #[test]
    fn keys_ascend_from_where_the_last_page_ended() {
        checked(&["01", "02", "10"], false, Some("00")).expect("good");
        checked(&[], true, Some("00")).expect("good");
        for (positions, after) in [
            (&["02", "01"][..], None),
            (&["01", "01"], None),
            (&["01"], Some("01")),
            (&["01"], Some("02")),
            (&[], None),
        ] {
            assert!(checked(positions, false, after).is_err(), "{positions:?} after {after:?}");
        }
    }

    #[test]
    fn only_what_may_have_changed_is_read() {
        let keys = ["1", "2", "3", "4", "5"].map(|position| key(position, "1"));
        let ids = [1, 2, 3, 4, 5].map(|number| ReferenceId(Uuid::from_u128(number)));
        let stored = |stamp: &str, position: &str, remote_was_deleted| Known {
            stamp: stamp.to_owned(),
            position: position.to_owned(),
            remote_was_deleted,
        };
        let known = HashMap::from([
            (ids[0], stored("1", "1", false)),
            (ids[1], stored("0", "2", false)),
            (ids[2], stored("1", "3", true)),
            (ids[3], stored("1", "0", false)),
        ]);
        let changed: Vec<_> = changed(&keys, &ids, &known).into_iter().map(|key| key.position).collect();
        assert_eq!(changed, ["2", "3", "4", "5"]);
    }
}
