//! The command `dev`: from an empty machine to a payment.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Server, free_port, one_line, unibooks, wait_until};

/// A temporary folder. If root runs the tests, Postgres' user needs access through it.
fn temporary_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("mode");
    folder
}

fn dev(data_dir: &Path, listen: &str) -> Command {
    let mut command = unibooks(&["dev", "--metrics-listen", "127.0.0.1:0", "--listen", listen]);
    command.env("UNIBOOKS_DATA_DIR", data_dir);
    command
}

/// The command that `dev` printed to be pasted.
fn pasteable(printed: &str) -> &str {
    let start = printed.find("curl ").unwrap_or_else(|| panic!("no curl in {printed}"));
    printed[start..].trim_end()
}

/// Runs the `curl` with the demo's credentials. `dev` prints the same, but its output can be read only after its end.
fn paste(curl: &str) -> Output {
    Command::new("sh").args(["-c", curl]).output().expect("a shell")
}

fn has_curl() -> bool {
    Command::new("curl").arg("--version").output().is_ok()
}

/// The command lines of all running processes that contain a path.
fn processes_that_name(path: &Path) -> Vec<String> {
    // A slim Linux has no ps; macOS has no /proc.
    let lines: Vec<String> = if let Ok(processes) = fs::read_dir("/proc") {
        let lines = processes.flatten().filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
    } else {
        let output = Command::new("ps").args(["axo", "command="]).output().expect("ps");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    };
    let path = path.to_str().expect("a plain path");
    lines.into_iter().filter(|line| line.contains(path) && line.contains("postgres")).collect()
}

async fn payments(server: &Server, data_dir: &Path) -> usize {
    let demo = fs::read(data_dir.join("demo.json")).expect("credentials");
    let demo: Value = serde_json::from_slice(&demo).expect("JSON");
    let text = |name: &str| demo[name].as_str().expect(name).to_owned();
    let request = reqwest::Client::new()
        .get(format!("{}/accounting/payments", server.base))
        .header("x-api-key", text("api_key"))
        .header("x-connection-token", text("connection_token"));
    let page: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    page["data"].as_array().expect("data").len()
}

#[tokio::test]
async fn printed_curl_makes_a_payment_that_a_restart_keeps() {
    let folder = temporary_folder();
    let data_dir = folder.path().join("data");
    let listen = format!("127.0.0.1:{}", free_port());
    let server = Server::start(dev(&data_dir, &listen));
    assert_eq!(payments(&server, &data_dir).await, 0);
    for secret in ["demo.json", "sealing.key"] {
        let mode = fs::metadata(data_dir.join(secret)).expect(secret).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "only its owner reads {secret}");
    }
    let sealing_key = fs::read(data_dir.join("sealing.key")).expect("a key");
    let printed = server.stop();
    assert_eq!(processes_that_name(&data_dir), Vec::<String>::new(), "Postgres ended with the server");

    let server = Server::start(dev(&data_dir, &listen));
    let mut expected = 0;
    if has_curl() {
        let answer = paste(pasteable(&printed));
        let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
        assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
        expected = 1;
    }
    assert_eq!(payments(&server, &data_dir).await, expected);
    assert_eq!(server.stop(), printed, "a later start prints the same");

    let server = Server::start(dev(&data_dir, &listen));
    assert_eq!(payments(&server, &data_dir).await, expected, "the data of the first");
    assert_eq!(fs::read(data_dir.join("sealing.key")).expect("a key"), sealing_key, "the key of the first");
}

#[tokio::test]
async fn killed_server_leaves_no_postgres_behind() {
    let folder = temporary_folder();
    let data_dir = folder.path().join("data");
    let server = Server::start(dev(&data_dir, "127.0.0.1:0"));
    assert!(!processes_that_name(&data_dir).is_empty(), "Postgres runs");
    server.signal("KILL");
    server.wait();
    wait_until("Postgres has ended", || processes_that_name(&data_dir).is_empty());
    Server::start(dev(&data_dir, "127.0.0.1:0")).stop();
}

#[tokio::test]
async fn second_server_on_the_same_folder_is_refused() {
    let folder = temporary_folder();
    let data_dir = folder.path().join("data");
    let server = Server::start(dev(&data_dir, "127.0.0.1:0"));
    let line = one_line(&dev(&data_dir, "127.0.0.1:0").output().expect("a process"), 1);
    assert!(line.contains("UNIBOOKS_DATA_DIR"), "{line}");
    assert_eq!(payments(&server, &data_dir).await, 0, "the first is not disturbed");
    server.stop();
}

#[tokio::test]
async fn taken_port_ends_the_start_before_a_database_is_made() {
    let folder = temporary_folder();
    let data_dir = folder.path().join("data");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let line = one_line(&dev(&data_dir, &address).output().expect("a process"), 1);
    assert!(line.contains("UNIBOOKS_LISTEN"), "{line}");
    assert!(!data_dir.exists());
}

#[tokio::test]
async fn folder_without_postgres_is_named_with_its_setting() {
    let folder = temporary_folder();
    let mut command = dev(&folder.path().join("data"), "127.0.0.1:0");
    let line = one_line(&command.env("UNIBOOKS_POSTGRES_BIN", folder.path()).output().expect("a process"), 1);
    assert!(line.contains("UNIBOOKS_POSTGRES_BIN"), "{line}");
}
