//! The limit of open files of the process: each socket needs one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files to `needed` if the system allows it. Shells often set it to 1,024.
pub fn raise_limit(needed: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    let allowed = maximum.map_or(needed, |maximum| maximum.min(needed));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum }) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    } else if allowed < needed {
        tracing::warn!(allowed, needed, "fewer open files are allowed than UNIBOOKS_MAX_CLIENT_CONNECTIONS needs");
    }
}
