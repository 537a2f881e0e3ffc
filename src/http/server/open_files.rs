//! How many files the process may have open: a connection each.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files to `needed` where the system allows it; shells often give 1,024.
pub fn allow(needed: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    let allowed = maximum.map_or(needed, |maximum| maximum.min(needed));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum }) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    } else if allowed < needed {
        tracing::warn!(allowed, needed, "fewer open files are allowed than UNIBOOKS_MAX_CONNECTIONS needs");
    }
}
