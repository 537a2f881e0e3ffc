//! `unibooks connection pause|resume`

use super::chosen::Chosen;
use crate::cli::output;
use crate::domain::Clock;
use crate::management::connections::{self, SoftwareStatus};

pub async fn pause(chosen: Chosen) -> anyhow::Result<()> {
    let (operator, connection, _) = chosen.find_with_software().await?;
    connections::pause(&operator, connection.id, Clock::system().now()).await?;
    output::line(format_args!("paused  {}", connection.id))
}

pub async fn resume(chosen: Chosen) -> anyhow::Result<()> {
    let (operator, connection, software) = chosen.find_with_software().await?;
    if software.status == SoftwareStatus::NeedsReauth {
        anyhow::bail!(
            "the software has refused the credentials; give others with `connection update`, or run `connection check` \
             when they work again"
        );
    }
    connections::resume(&operator, connection.id, Clock::system().now()).await?;
    output::line(format_args!("resumed  {}", connection.id))
}
