//! Real libraries of Standard Webhooks verify what this server signs: the receivers of `docs/webhooks.md`, as they are
//! printed there, in Python, JavaScript and Rust.

#[path = "support/wait.rs"]
mod wait;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;

use chrono::{DateTime, TimeDelta, Utc};
use rand::SeedableRng;
use rand::rngs::StdRng;
use secrecy::ExposeSecret;
use unibooks::domain::Clock;
use unibooks::webhooks::signature::{SignatureScheme, SigningSecret, headers};
use wait::until;

/// The receiver in Rust. Its program is this test program, started once more.
mod rust_receiver {
    include!("receivers/receiver.rs");

    #[test]
    #[ignore = "a receiver that runs until it is killed; the tests start it"]
    fn rust_receiver_runs_until_it_is_killed() {
        main();
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The only program of a language in the page.
fn program(language: &str) -> String {
    let page = std::fs::read_to_string(root().join("docs/webhooks.md")).expect("the page");
    let blocks: Vec<_> = page.split(&format!("\n```{language}\n")).skip(1).collect();
    let [block] = blocks[..] else { panic!("{} programs in {language}", blocks.len()) };
    block.split_once("```").expect("the end of the program").0.to_owned()
}

/// The folder with Python and Node.js and their libraries.
fn installed() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let done = Command::new(root().join("scripts/ensure-receivers.sh")).output().expect("the script runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        PathBuf::from(String::from_utf8(done.stdout).expect("UTF-8").trim_end())
    })
}

/// A receiver that runs.
struct Receiver {
    process: Child,
    url: String,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("ended");
    }
}

impl Receiver {
    async fn start(mut command: Command, secret: &SigningSecret) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        command.env("WEBHOOK_SECRET", secret.text().expose_secret()).env("PORT", address.port().to_string());
        let process = command.spawn().expect("the receiver starts");
        until("the receiver listens", async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
        Self { process, url: format!("http://{address}/hooks") }
    }

    /// Delivers a body with the headers of another one, and returns the status.
    async fn deliver(&self, secrets: &[SigningSecret], sent_at: DateTime<Utc>, signed: &str, body: &str) -> u16 {
        let headers =
            headers("019ace5d-7c40-8000-8000-000000000001", sent_at, signed.as_bytes(), secrets, SignatureScheme::V1);
        let request = reqwest::Client::new().post(&self.url).headers(headers).body(body.to_owned());
        request.send().await.expect("an answer").status().as_u16()
    }
}

async fn accepts_only_what_was_signed(command: impl Fn() -> Command) {
    let [old, new, other] = [1, 2, 3].map(|seed| SigningSecret::generate(&mut StdRng::seed_from_u64(seed)));
    let body = r#"{"data":{"rate":1.10,"text":"é\u0000 😀"},"id_connection":null,"id_event":"1","timestamp":"2026-11-26T08:00:00Z","type":"connection.created"}"#;
    let now = Clock::system().now();
    // During a rotation a receiver may have either secret.
    for secret in [&old, &new] {
        let receiver = Receiver::start(command(), secret).await;
        let both = [new.clone(), old.clone()];
        assert_eq!(receiver.deliver(&both, now, body, body).await, 204, "signed by both");
        assert_eq!(receiver.deliver(std::slice::from_ref(secret), now, body, body).await, 204, "signed by one");
        assert_eq!(receiver.deliver(std::slice::from_ref(&other), now, body, body).await, 401, "another secret");
        assert_eq!(receiver.deliver(&both, now, body, &body.replace("1.10", "1.1")).await, 401, "a changed body");
        assert_eq!(receiver.deliver(&both, now - TimeDelta::hours(1), body, body).await, 401, "an old delivery");
    }
}

#[tokio::test]
async fn receiver_in_python_accepts_only_what_was_signed() {
    accepts_only_what_was_signed(|| {
        let mut command = Command::new(installed().join("python"));
        command.args(["-c", &program("python")]);
        command
    })
    .await;
}

#[tokio::test]
async fn receiver_in_javascript_accepts_only_what_was_signed() {
    // Beside the packages, where Node.js looks for them.
    let file = installed().join("receiver.mjs");
    std::fs::write(&file, program("js")).expect("written");
    accepts_only_what_was_signed(|| {
        let mut command = Command::new(installed().join("node"));
        command.arg(&file);
        command
    })
    .await;
}

#[tokio::test]
async fn receiver_in_rust_accepts_only_what_was_signed() {
    assert_eq!(program("rust"), include_str!("receivers/receiver.rs"), "what is tested is what is printed");
    accepts_only_what_was_signed(|| {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--ignored", "--exact", "rust_receiver::rust_receiver_runs_until_it_is_killed"]);
        command
    })
    .await;
}
