//! `unibooks openapi`

pub fn run() -> anyhow::Result<()> {
    super::output::line(crate::router::openapi().to_pretty_json()?)
}
