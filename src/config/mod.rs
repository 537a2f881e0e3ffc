//! Every setting, declared once: its flag, its environment variable, its default, its help.

mod connectors;
mod database;
mod dev;
mod log;
mod renamed;
mod server;
mod webhooks;

pub use connectors::ConnectorSettings;
pub use database::{DatabaseSettings, DatabaseUrl};
pub use dev::{DemoSettings, DevSettings};
pub use log::LogSettings;
pub use renamed::check_renamed;
pub use server::{Origins, RateLimit, ServerSettings};
pub use webhooks::WebhookSettings;
