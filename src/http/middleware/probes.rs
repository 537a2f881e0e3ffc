//! The routes that probes call. They pass every limit and are not logged while all is well.

/// Whether a route is for whoever watches the server.
#[must_use]
pub fn is_probe(route: &str) -> bool {
    matches!(route, "/health" | "/livez" | "/readyz")
}
