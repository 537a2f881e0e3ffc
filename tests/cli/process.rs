//! Runs the built binary.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Mutex;
use unibooks::cli::environment_variables;

use crate::support::signal::signal;

/// The program without the developer's own settings.
pub fn unibooks(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unibooks"));
    for name in environment_variables() {
        command.env_remove(name);
    }
    // This folder has no `.env`.
    command.args(arguments).current_dir(std::env::temp_dir());
    command
}

/// Runs a command on a database and waits for its end.
pub fn run(url: &str, arguments: &[&str]) -> Output {
    unibooks(arguments).env("DATABASE_URL", url).output().expect("a process")
}

/// The output of a command that must succeed.
#[track_caller]
pub fn printed(url: &str, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = run(url, arguments);
    assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("UTF-8")
}

/// The JSON output of a command that must succeed.
#[track_caller]
pub fn printed_json(url: &str, arguments: &[&str]) -> Value {
    let printed = printed(url, &[arguments, &["--json"]].concat());
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// Credentials of a new project, made on the command line: key id, key, connection id, token.
pub fn new_credentials(url: &str) -> [String; 4] {
    new_credentials_with(url, &[])
}

/// The same, with flags for each command.
pub fn new_credentials_with(url: &str, flags: &[&str]) -> [String; 4] {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let made = |arguments: &[&str]| printed_json(url, &[arguments, flags].concat());
    let project = text(&made(&["project", "create", "--name", "Books"])["id"]);
    let key = made(&["api-key", "create", "--project", &project, "--name", "Shop"]);
    let connection = made(&["connection", "create", "--project", &project, "--label", "Main"]);
    [text(&key["id"]), text(&key["api_key"]), text(&connection["id"]), text(&connection["connection_token"])]
}

/// The only line of a command that must fail with this exit code.
#[track_caller]
pub fn one_line(output: &Output, code: i32) -> String {
    let error = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "the command printed nothing");
    let [line] = error.lines().collect::<Vec<_>>()[..] else { panic!("not one line: {error}") };
    assert!(line.starts_with("error: "), "{line}");
    line.to_owned()
}

/// A port without a listener.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// Waits for a condition. The limit is so long that only a fault reaches it.
pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_mins(1), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `serve` on a database, on free ports unless the settings name others.
pub fn serve_command(url: &str, settings: &[(&str, &str)]) -> Command {
    let mut command = unibooks(&["serve"]);
    let ports = [("UNIBOOKS_LISTEN", "127.0.0.1:0"), ("UNIBOOKS_METRICS_LISTEN", "127.0.0.1:0")];
    command.env("DATABASE_URL", url).envs(ports).envs(settings.iter().copied());
    command
}

/// A running server, killed on drop.
pub struct Server {
    child: Child,
    /// The URL of the server, without a path.
    pub base: String,
    /// The lines of its log that were read.
    pub log: Vec<String>,
    /// A lock that stops the reader of the log.
    pub reading: Arc<Mutex<()>>,
    rest_of_log: Receiver<String>,
    printing: Option<JoinHandle<String>>,
}

impl Server {
    /// Starts `serve` on a database, on free ports.
    pub fn serve(url: &str) -> Self {
        Self::serve_with(url, &[])
    }

    /// The same, with settings in the environment.
    pub fn serve_with(url: &str, settings: &[(&str, &str)]) -> Self {
        Self::start(serve_command(url, settings))
    }

    /// Starts a server and waits until it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
        let stderr = BufReader::new(child.stderr.take().expect("standard error"));
        let mut stdout = child.stdout.take().expect("standard output");
        let (line, rest_of_log) = channel();
        let reading = Arc::new(Mutex::new(()));
        let may_read = Arc::clone(&reading);
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|read| {
                drop(may_read.blocking_lock());
                line.send(read)
            })
        });
        let printing = std::thread::spawn(move || {
            let mut printed = String::new();
            stdout.read_to_string(&mut printed).expect("UTF-8");
            printed
        });
        let printing = Some(printing);
        let mut server = Self { child, base: String::new(), log: Vec::new(), reading, rest_of_log, printing };
        let listening = server.wait_for_log("listening");
        server.base = format!("http://{}", listening["address"].as_str().expect("an address"));
        server
    }

    /// Reads the log up to the line with this message.
    pub fn wait_for_log(&mut self, message: &str) -> Value {
        loop {
            let line = self.rest_of_log.recv_timeout(Duration::from_mins(1)).unwrap_or_else(|_| {
                panic!("never logged {message:?}: {:#?}", self.log);
            });
            self.log.push(line.clone());
            let read: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if read["message"] == message {
                return read;
            }
        }
    }

    /// The peak of its resident memory, in KiB.
    pub fn peak_memory_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let Ok(status) = std::fs::read_to_string(path) else { return 0 };
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Sends a signal, for example `TERM`.
    pub fn signal(&self, name: &str) {
        signal(name, &self.child.id().to_string());
    }

    /// Waits for its end without reading the log.
    pub fn wait_for_end(mut self) -> ExitStatus {
        self.child.wait().expect("an end")
    }

    /// Waits for its end. Returns its status, its output and its log.
    pub fn wait(mut self) -> (ExitStatus, String, Vec<String>) {
        let status = self.child.wait().expect("an end");
        let printed = self.printing.take().expect("once").join().expect("printed");
        let rest = self.rest_of_log.iter();
        let log = std::mem::take(&mut self.log).into_iter().chain(rest).collect();
        (status, printed, log)
    }

    /// Stops it with SIGTERM, waits for its end, and returns its output.
    pub fn stop(self) -> String {
        self.signal("TERM");
        let (status, printed, log) = self.wait();
        assert!(status.success(), "{status}: {log:#?}");
        printed
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
