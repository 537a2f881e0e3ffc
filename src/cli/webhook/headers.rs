//! Headers that were saved in a file.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Reads lines like `webhook-id: 1`. Other lines, such as the status, are left out.
pub fn parse(text: &str) -> HeaderMap {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let headers = lines.filter_map(|(name, value)| {
        let name: HeaderName = name.trim().parse().ok()?;
        Some((name, HeaderValue::from_str(value.trim()).ok()?))
    });
    headers.collect()
}
