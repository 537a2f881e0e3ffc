//! The password or API key for accounting software: from a file, the environment or a question, never from an argument,
//! which other users of the machine can see.

use std::io::{BufRead, IsTerminal, Read};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

/// The variable that can hold the secret.
const VARIABLE: &str = "UNIBOOKS_CONNECTION_SECRET";
/// The largest secret that is read, in bytes.
const MAX_BYTES: usize = 64 * 1_024;

/// Where the secret is.
#[derive(Debug, Args)]
pub struct SecretArguments {
    /// A file with the password or API key
    ///
    /// Without it: the variable `UNIBOOKS_CONNECTION_SECRET`, or a question at the terminal.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl SecretArguments {
    /// Whether a file is named.
    pub fn is_file(&self) -> bool {
        self.secret_file.is_some()
    }

    /// Whether the secret is there without a question.
    pub fn is_given(&self) -> bool {
        self.is_file() || std::env::var_os(VARIABLE).is_some()
    }

    /// The secret. The line break at its end is no part of it.
    pub async fn read(&self) -> anyhow::Result<SecretString> {
        let text = if let Some(file) = &self.secret_file {
            let shown = file.display();
            let opened = std::fs::File::open(file).with_context(|| format!("--secret-file {shown} cannot be read"))?;
            let mut text = Zeroizing::new(String::new());
            let read = opened.take(MAX_BYTES as u64).read_to_string(&mut text);
            read.with_context(|| format!("--secret-file {shown} cannot be read"))?;
            text
        } else if let Some(value) = std::env::var_os(VARIABLE) {
            Zeroizing::new(value.into_string().ok().with_context(|| format!("{VARIABLE} is no text"))?)
        } else {
            ensure!(
                std::io::stdin().is_terminal(),
                "the password or API key is missing: name a file with --secret-file, or set {VARIABLE}"
            );
            ask().await?
        };
        let secret = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        ensure!(!secret.is_empty(), "the password or API key is empty");
        ensure!(secret.len() < MAX_BYTES, "the password or API key has {MAX_BYTES} bytes or more");
        ensure!(!secret.contains(['\0', '\n']), "the password or API key is not one line");
        Ok(secret.into())
    }
}

/// Asks at the terminal, which does not show what is typed.
async fn ask() -> anyhow::Result<Zeroizing<String>> {
    eprint!("Password or API key: ");
    let hidden = Hidden::begin()?;
    let (answer, answered) = tokio::sync::oneshot::channel();
    // A thread of its own: the runtime would wait for one of its own at the end.
    std::thread::spawn(move || {
        let mut line = Zeroizing::new(String::new());
        let read = std::io::stdin().lock().read_line(&mut line);
        let _ = answer.send(read.map(|_| line));
    });
    let line = tokio::select! {
        line = answered => line?.context("the terminal cannot be read"),
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    drop(hidden);
    eprintln!();
    line
}

/// A terminal that does not show what is typed, until it is dropped.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> anyhow::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}
