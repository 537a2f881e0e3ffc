//! The project and the endpoint that a command is about.

use anyhow::Context;
use clap::Args;

use crate::auth::ProjectScope;
use crate::cli::database::DatabaseArguments;
use crate::cli::output;
use crate::config::{ConnectorSettings, WebhookSettings};
use crate::domain::{Clock, ProjectId, WebhookEndpointId};
use crate::events::Changes;
use crate::outgoing::Networks;
use crate::webhooks::delivery::{self, Deliveries};
use crate::webhooks::endpoints::{Endpoint, EndpointUrl, Endpoints, Error, WebhookView};
use crate::webhooks::signature::SigningSecret;

/// The endpoints of a project.
#[derive(Debug, Args)]
pub struct ProjectArguments {
    /// The project, as `project list` shows it
    #[arg(long, value_name = "ID")]
    project: ProjectId,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    // They have the sealing keys.
    #[command(flatten)]
    connectors: ConnectorSettings,
    #[command(flatten)]
    webhooks: WebhookSettings,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// One endpoint.
#[derive(Debug, Args)]
pub struct Chosen {
    /// The endpoint's id, as `webhook list` shows it
    #[arg(long, value_name = "ID")]
    pub webhook: WebhookEndpointId,
    #[command(flatten)]
    pub project: ProjectArguments,
}

impl ProjectArguments {
    /// The rows of the project, and what changes them.
    pub async fn open(&self) -> anyhow::Result<(ProjectScope, Endpoints)> {
        let client = self.webhooks.client(Networks::default())?;
        let endpoints = Endpoints::new(client, self.connectors.sealing_keys()?, Clock::system());
        Ok((self.database.operator().await?.project(self.project), endpoints))
    }

    /// The rows of the project, and what sends to its endpoints. What it asks for, a running server does.
    pub async fn open_deliveries(&self) -> anyhow::Result<(ProjectScope, Deliveries)> {
        let (client, keys) = (self.webhooks.client(Networks::default())?, self.connectors.sealing_keys()?);
        let operator = self.database.operator().await?;
        let deliveries = Deliveries::new(operator.worker(), client, keys, &Changes::default(), Clock::system());
        Ok((operator.project(self.project), deliveries))
    }

    /// The endpoint as HTTP answers it.
    pub fn view(&self, endpoint: Endpoint, endpoints: &Endpoints) -> WebhookView {
        WebhookView::new(self.project, endpoint, endpoints)
    }

    /// Prints an endpoint with its secret, the only time that it can be shown.
    pub fn print_secret(
        &self,
        endpoint: Endpoint,
        secret: &SigningSecret,
        endpoints: &Endpoints,
    ) -> anyhow::Result<()> {
        let view = self.view(endpoint, endpoints).with_secret(secret);
        if self.json {
            return output::json(&view);
        }
        output::line(format_args!("id          {}\nsecret      {}", view.id_webhook_endpoint, view.secret))?;
        if let Some(key) = &view.public_key {
            output::line(format_args!("public key  {key}"))?;
        }
        output::line("\nThe secret is not shown again.")
    }
}

/// Reads a URL. It is not quoted: there may be a password in it.
pub fn url(text: &str) -> anyhow::Result<EndpointUrl> {
    text.parse().context("--url cannot be used")
}

/// Why nothing was sent, with the command that helps.
pub fn explain_delivery(error: delivery::Error) -> anyhow::Error {
    match error {
        delivery::Error::NoSuchEndpoint => anyhow::anyhow!("{error}; see `webhook list`"),
        delivery::Error::TooManyReplays => anyhow::anyhow!("{error}; wait until one of them has ended"),
        error => error.into(),
    }
}

/// Why nothing was done, with the command that helps.
pub fn explain(error: Error) -> anyhow::Error {
    match error {
        Error::NoSuchProject(_) => anyhow::anyhow!("{error}; see `project list`"),
        Error::NotFound => anyhow::anyhow!("{error}; see `webhook list`"),
        Error::UnknownConnection(_) => anyhow::anyhow!("{error}; see `connection list`"),
        Error::NoKeys => anyhow::anyhow!("{error}; make one with `openssl rand -base64 32`"),
        error => error.into(),
    }
}
