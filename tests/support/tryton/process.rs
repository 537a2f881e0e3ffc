//! The process of a Tryton.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

use sqlx::postgres::PgConnectOptions;
use tokio::sync::oneshot;

use super::{database_uri, python, script};
use crate::support::signal::signal;

/// How the line begins by which Tryton's HTTP server says that it listens.
const LISTENING: &str = "Running on http://127.0.0.1:";
/// How many lines of its log are kept, for the message when it does not start.
const KEPT_LINES: usize = 50;

/// A running Tryton, killed on drop.
pub struct Process {
    child: Child,
    pub port: u16,
}

impl Process {
    /// Starts it on a database, and waits until it listens. The port is any free one where it is 0.
    pub async fn start(database: &PgConnectOptions, port: u16) -> Self {
        let mut child = Command::new(python())
            .arg(script("serve.py"))
            .args(["--verbose", "--database", database.get_database().expect("a database")])
            .env_clear()
            .envs([database_uri(database).await, ("TRYTOND_WEB__LISTEN", format!("127.0.0.1:{port}"))])
            // It ends when this pipe is closed, at the latest by the end of the test binary.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let log = child.stderr.take().expect("standard error");
        let (listening, port) = oneshot::channel();
        std::thread::spawn(move || read_log(log, listening));
        let port = port.await.expect("an answer").unwrap_or_else(|log| panic!("Tryton did not start:\n{log}"));
        Self { child, port }
    }

    /// Ends it with SIGKILL and waits for its end.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().expect("an end");
    }

    /// Ends it with SIGTERM and waits for its end.
    pub fn stop(&mut self) {
        signal("TERM", &self.child.id().to_string());
        self.child.wait().expect("an end");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Answers the port, or the last lines of the log if it ends before. Then reads on, so that the pipe is never full.
fn read_log(log: ChildStderr, listening: oneshot::Sender<Result<u16, String>>) {
    let mut lines = BufReader::new(log).lines().map_while(Result::ok);
    let mut last = VecDeque::new();
    let answer = loop {
        let Some(line) = lines.next() else { break Err(Vec::from(last).join("\n")) };
        if let Some((_, port)) = line.split_once(LISTENING) {
            break Ok(port.trim().parse().expect("a port"));
        }
        if last.len() == KEPT_LINES {
            last.pop_front();
        }
        last.push_back(line);
    };
    listening.send(answer).ok();
    lines.for_each(drop);
}
