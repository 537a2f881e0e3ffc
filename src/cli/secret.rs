//! A secret that a command needs: from a file, the environment or a question, never from an argument, which other users
//! of the machine can see.

use std::io::{BufRead, IsTerminal, Read};
use std::path::Path;

use anyhow::{Context, ensure};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

/// The largest secret that is read, in bytes.
const MAX_BYTES: usize = 64 * 1_024;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// What it is, in the middle of a sentence.
    pub name: &'static str,
    /// The option that names a file with it.
    pub option: &'static str,
    /// The variable that can hold it.
    pub variable: &'static str,
}

impl Wanted {
    /// The secret, from `file` if one is named. The line break at its end is no part of it.
    pub async fn read(self, file: Option<&Path>) -> anyhow::Result<SecretString> {
        let Self { name, option, variable } = self;
        let text = if let Some(file) = file {
            let unreadable = || format!("{option} {} cannot be read", file.display());
            let opened = std::fs::File::open(file).with_context(unreadable)?;
            let mut text = Zeroizing::new(String::new());
            opened.take(MAX_BYTES as u64).read_to_string(&mut text).with_context(unreadable)?;
            text
        } else if let Some(value) = std::env::var_os(variable) {
            Zeroizing::new(value.into_string().ok().with_context(|| format!("{variable} is no text"))?)
        } else {
            ensure!(
                std::io::stdin().is_terminal(),
                "the {name} is missing: name a file with {option}, or set {variable}"
            );
            ask(name).await?
        };
        let secret = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        ensure!(!secret.is_empty(), "the {name} is empty");
        ensure!(secret.len() < MAX_BYTES, "the {name} has {MAX_BYTES} bytes or more");
        ensure!(!secret.contains(['\0', '\n']), "the {name} is not one line");
        Ok(secret.into())
    }
}

/// Asks at the terminal, which does not show what is typed.
async fn ask(name: &str) -> anyhow::Result<Zeroizing<String>> {
    let (first, rest) = name.split_at(1);
    eprint!("{}{rest}: ", first.to_uppercase());
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
