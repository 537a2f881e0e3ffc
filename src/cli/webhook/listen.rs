//! `unibooks webhook listen`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use clap::Args;
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::Incoming;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::timeout;

use super::event_stream::{EventStream, Message};
use crate::cli::output;
use crate::cli::secret::Wanted;
use crate::domain::{Clock, EventId, EventPattern, ProjectId};
use crate::outgoing::{BodyLimit, Client, Networks, Options, check_url};
use crate::webhooks::signature::{SignatureScheme, SigningSecret, headers};

/// What is wanted.
const API_KEY: Wanted = Wanted { name: "API key", option: "--api-key-file", variable: "UNIBOOKS_API_KEY" };
/// A secret that a person has chosen, so that a program need not be set up again at each start.
const SECRET: &str = "UNIBOOKS_WEBHOOK_SECRET";
/// How long the program may take to answer, as at a delivery.
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// After three heartbeats of the stream without one of them it is lost.
const SILENCE: Duration = Duration::from_secs(45);
/// The time between two attempts to open the stream.
const AGAIN: Duration = Duration::from_secs(1);
/// The most bytes of a refusal that are read.
const REFUSAL_BYTES: usize = 16 * 1_024;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Send the events to this URL, such as `http://127.0.0.1:3000/hooks`; without it they are only printed
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,
    /// Fail unless the API key belongs to this project
    #[arg(long, value_name = "ID")]
    project: Option<ProjectId>,
    /// The URL of the server
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
    server: String,
    /// Only these events, such as `accounting.payment.*`; may be repeated
    #[arg(long = "event", default_value = "*", value_name = "NAME")]
    events: Vec<EventPattern>,
    /// Read the API key from this file; it needs the scope `webhooks:read`
    ///
    /// Without a file, the variable `UNIBOOKS_API_KEY` is read, or the key is asked for at the terminal.
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// Print the body of each event
    #[arg(long)]
    json: bool,
}

/// What an open stream ended with.
enum Ended {
    /// It can be opened again.
    Lost(String),
    /// It cannot.
    Refused(anyhow::Error),
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let api_key = API_KEY.read(arguments.api_key_file.as_deref()).await?;
    if let Some(url) = &arguments.forward_to {
        check_url(url).context("--forward-to cannot be used")?;
    }
    let secret = secret()?;
    if arguments.forward_to.is_some() && !arguments.json {
        output::line(format_args!("secret  {}", secret.text().expose_secret()))?;
    }
    let mut listener = Listener { client: client()?, api_key, secret, arguments, last_id: String::new() };
    loop {
        match listener.follow().await {
            Ended::Refused(error) => return Err(error),
            Ended::Lost(reason) => eprintln!("the stream is opened again: {reason}"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The secret that signs: the one of the environment, or a new one.
fn secret() -> anyhow::Result<SigningSecret> {
    match std::env::var(SECRET) {
        Ok(text) => text.parse().with_context(|| format!("{SECRET} cannot be used")),
        Err(_) => Ok(SigningSecret::generate(&mut rand::rng())),
    }
}

/// The person who runs the command may call what they can reach.
fn client() -> anyhow::Result<Client> {
    let options = Options {
        networks: Networks::all(),
        networks_setting: "--server",
        ca_file: None,
        connect_timeout: Duration::from_secs(10),
        answer_limit: BodyLimit::Beginning(REFUSAL_BYTES),
        max_idle_per_host: 1,
    };
    Ok(Client::new(&options)?)
}

struct Listener {
    client: Client,
    api_key: SecretString,
    secret: SigningSecret,
    arguments: Arguments,
    /// The last event that was seen; empty at the beginning.
    last_id: String,
}

impl Listener {
    /// Opens the stream, and handles its events until it ends.
    async fn follow(&mut self) -> Ended {
        let mut body = match self.open().await {
            Ok(body) => body,
            Err(ended) => return ended,
        };
        let mut stream = EventStream::default();
        loop {
            let frame = match timeout(SILENCE, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Ended::Lost(format!("it was cut off: {error}")),
                Ok(None) => return Ended::Lost("the server has ended it".to_owned()),
                Err(_) => return Ended::Lost(format!("nothing came for {} seconds", SILENCE.as_secs())),
            };
            let Ok(bytes) = frame.into_data() else { continue };
            for message in stream.read(&bytes) {
                if let Err(error) = self.handle(message).await {
                    return Ended::Refused(error);
                }
            }
        }
    }

    async fn open(&self) -> Result<Incoming, Ended> {
        let types: Vec<_> = self.arguments.events.iter().map(EventPattern::as_str).collect();
        let server = self.arguments.server.trim_end_matches('/');
        let url = format!("{server}/webhooks/events/stream?type={}", types.join(","));
        let mut headers = HeaderMap::new();
        let key = HeaderValue::from_str(self.api_key.expose_secret());
        let key = key.map_err(|_| Ended::Refused(anyhow::anyhow!("the API key is not valid")))?;
        headers.insert("x-api-key", key);
        if let Ok(id) = HeaderValue::from_str(&self.last_id) {
            headers.insert(HeaderName::from_static("last-event-id"), id);
        }
        let response = self.client.open(&url, &headers, CALL_LIMIT).await;
        let response = response.map_err(|error| Ended::Lost(error.to_string()))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response.into_body());
        }
        let reason = reason(response.into_body()).await;
        let text = format!("the server at {server} answers {status}: {reason}");
        let may_pass = status.is_server_error() || status.as_u16() == 429;
        Err(if may_pass { Ended::Lost(text) } else { Ended::Refused(anyhow::anyhow!(text)) })
    }

    async fn handle(&mut self, message: Message) -> anyhow::Result<()> {
        let Message { id, event, data } = message;
        let is_first = self.last_id.is_empty();
        self.last_id.clone_from(&id);
        if is_first {
            self.check_project(&id)?;
            let target = self.arguments.forward_to.as_deref().unwrap_or("nowhere; name a program with --forward-to");
            eprintln!("listening; events are sent to {target}");
        }
        if data.is_empty() {
            return Ok(());
        }
        let outcome = match &self.arguments.forward_to {
            Some(url) => format!("  {}", self.forward(url, &id, data.as_bytes()).await),
            None => String::new(),
        };
        if self.arguments.json { output::line(data) } else { output::line(format_args!("{event}  {id}{outcome}")) }
    }

    /// The id of an event holds its project.
    fn check_project(&self, id: &str) -> anyhow::Result<()> {
        let Some(project) = self.arguments.project else { return Ok(()) };
        let Ok(id) = id.parse() else { bail!("the server sends ids that are not of events") };
        ensure!(
            EventId(id).position_in(project).is_some(),
            "the API key is of another project; see `project list` and `api-key list`"
        );
        Ok(())
    }

    /// Sends an event as a delivery does, once, and says what came of it.
    async fn forward(&self, url: &str, id: &str, body: &[u8]) -> String {
        let started = Instant::now();
        let secrets = std::slice::from_ref(&self.secret);
        let headers = headers(id, Clock::system().now(), body, secrets, SignatureScheme::V1);
        match self.client.post_json(url, &headers, body, CALL_LIMIT).await {
            Ok(answer) => format!("{} in {} ms", answer.status, started.elapsed().as_millis()),
            Err(error) => format!("not sent: {error}"),
        }
    }
}

/// What a problem document says.
async fn reason(body: Incoming) -> String {
    #[derive(Deserialize)]
    struct Problem {
        title: String,
        detail: String,
    }
    let body = timeout(CALL_LIMIT, Limited::new(body, REFUSAL_BYTES).collect()).await;
    let bytes = body.ok().and_then(Result::ok).map(Collected::to_bytes).unwrap_or_default();
    serde_json::from_slice::<Problem>(&bytes)
        .map_or_else(|_| "it does not say why".to_owned(), |Problem { title, detail }| format!("{title}. {detail}"))
}
