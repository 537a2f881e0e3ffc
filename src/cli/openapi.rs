//! `unibooks openapi`

pub fn run() -> anyhow::Result<()> {
    println!("{}", crate::router::openapi().to_pretty_json()?);
    Ok(())
}
