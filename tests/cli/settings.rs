//! Wrong settings end the program with one line, before anything listens.

use std::fs;
use std::net::TcpListener;

use crate::process::{Server, free_port, one_line, printed, unibooks};
use crate::support::postgres;

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];

#[test]
fn wrong_value_is_told_with_its_flag_and_what_would_be_right() {
    for (flag, value, told) in [
        ("--listen", "8080", "invalid socket address"),
        ("--listen", "127.0.0.1:80800", "invalid socket address"),
        ("--metrics-listen", "localhost", "invalid socket address"),
        ("--database-connections", "3", "4..=1000"),
        ("--database-connections", "many", "invalid digit"),
        ("--database-timeout", "0", "1..=600"),
        ("--request-timeout", "1.5", "invalid digit"),
        ("--shutdown-timeout", "99999", "1..=3600"),
        ("--max-body-bytes", "1", "1024..=67108864"),
        ("--max-line-items", "0", "1..=100000"),
        ("--keep-alive-timeout", "0", "1..=3600"),
        ("--max-connections", "0", "1..=1000000"),
        ("--max-requests", "0", "1..=100000"),
        ("--rate-limit", "600", "count/seconds"),
        ("--rate-limit", "0/60", "count/seconds"),
        ("--failed-auth-limit", "60/0", "count/seconds"),
        ("--trusted-proxies", "proxy.example", "neither an address nor a block"),
        ("--cors-origins", "books.example", "write https://host"),
        ("--log-format", "xml", "xml"),
    ] {
        let line = one_line(&unibooks(&["serve", &format!("{flag}={value}")]).output().expect("a process"), 2);
        assert!(line.contains(flag) && line.contains(value) && line.contains(told), "{flag} {value}: {line}");

        // The same by the environment.
        let variable = format!("UNIBOOKS_{}", flag.trim_start_matches("--").replace('-', "_").to_uppercase());
        let by_environment = unibooks(&["serve"]).env(&variable, value).output().expect("a process");
        assert_eq!(one_line(&by_environment, 2), line);
    }
}

#[test]
fn wrong_log_filter_is_told() {
    let line = one_line(&unibooks(&[SERVE, &["--log", "unibooks=loud"]].concat()).output().expect("a process"), 1);
    assert!(line.contains("UNIBOOKS_LOG") && line.contains("unibooks=loud"), "{line}");
}

#[test]
fn missing_database_is_told_with_the_way_out() {
    for command in [SERVE, &["migrate"], &["project", "list"]] {
        let line = one_line(&unibooks(command).output().expect("a process"), 1);
        assert!(line.starts_with("error: DATABASE_URL is not set"), "{line}");
        assert!(line.contains("unibooks dev"), "{line}");
    }
}

/// What a command says of an address that it was given as a flag.
fn refusal_of_a_command(url: &str) -> String {
    let flag = unibooks(&["migrate", "--database-timeout=1", "--database-url", url]).output().expect("a process");
    one_line(&flag, 1)
}

#[test]
fn address_of_a_database_is_never_repeated_because_a_password_stands_in_it() {
    for url in [
        "mysql://me:hunter2@localhost/books",
        "me:hunter2@localhost",
        "postgres://me:hunter2@localhost:port/books",
        "postgres://me:hunter2@[::1/books",
        "postgres://me:hunter2@localhost/books?sslmode=strict",
    ] {
        let line = one_line(&unibooks(SERVE).env("DATABASE_URL", url).output().expect("a process"), 1);
        assert!(line.contains("DATABASE_URL"), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
        assert!(!refusal_of_a_command(url).contains("hunter2"));
    }
}

#[test]
fn nor_is_that_of_a_database_that_does_not_answer() {
    let url = "postgres://me:hunter2@127.0.0.1:1/books";
    let line = refusal_of_a_command(url);
    assert!(line.contains("DATABASE_URL") && !line.contains("hunter2"), "{line}");
    // A server does not end but waits for it.
    let server = Server::serve(url);
    server.signal("TERM");
    let (status, printed, log) = server.wait();
    let log = log.join("\n");
    assert!(status.success() && log.contains("the database is away"), "{log}");
    assert!(!log.contains("hunter2") && !printed.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn taken_port_is_told_with_the_setting_to_change() {
    let url = postgres::url(&postgres::empty().await).await;
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for (flag, variable) in [("--listen", "UNIBOOKS_LISTEN"), ("--metrics-listen", "UNIBOOKS_METRICS_LISTEN")] {
        let other = if flag == "--listen" { "--metrics-listen" } else { "--listen" };
        let mut command = unibooks(&["serve", other, "127.0.0.1:0"]);
        let output = command.env("DATABASE_URL", &url).env(variable, &address).output().expect("a process");
        let line = one_line(&output, 1);
        assert!(line.contains(&address) && line.contains("is taken by another program"), "{line}");
        assert!(line.contains(flag) && line.contains(variable), "{line}");
    }
}

#[test]
fn healthcheck_of_a_server_that_is_not_there_fails_in_one_line() {
    let listen = format!("127.0.0.1:{}", free_port());
    let line = one_line(&unibooks(&["healthcheck", "--listen", &listen]).output().expect("a process"), 1);
    assert!(line.contains(&listen), "{line}");
}

#[tokio::test]
async fn file_named_env_in_the_working_folder_counts_and_the_environment_wins() {
    let url = postgres::url(&postgres::migrated().await).await;
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(".env"), format!("# The database.\nDATABASE_URL={url}\n")).expect("written");
    printed(&url, &["project", "create", "--name", "Here"]);
    let list = unibooks(&["project", "list"]).current_dir(folder.path()).output().expect("a process");
    assert!(String::from_utf8_lossy(&list.stdout).contains("Here"), "{}", String::from_utf8_lossy(&list.stderr));

    let other = postgres::url(&postgres::migrated().await).await;
    let list = unibooks(&["project", "list", "--json"]).current_dir(folder.path()).env("DATABASE_URL", other).output();
    assert_eq!(String::from_utf8_lossy(&list.expect("a process").stdout), "[]\n");

    fs::write(folder.path().join(".env"), "no setting\n").expect("written");
    let broken = unibooks(&["project", "list"]).current_dir(folder.path()).output().expect("a process");
    assert!(one_line(&broken, 2).contains(".env"));
}
