//! The routes of health probes. They pass every limit, and only their failures are logged.

/// Whether a route is for health probes.
#[must_use]
pub fn is_probe(route: &str) -> bool {
    matches!(route, "/health" | "/livez" | "/readyz")
}
