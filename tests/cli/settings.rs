//! Wrong settings end the program with one line, before it listens.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Server, free_port, one_line, printed, unibooks};
use crate::support::postgres;

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];

#[test]
fn wrong_value_is_named_with_its_flag_and_the_right_form() {
    for (flag, value, reason) in [
        ("--listen", "8080", "invalid socket address"),
        ("--listen", "127.0.0.1:80800", "invalid socket address"),
        ("--metrics-listen", "localhost", "invalid socket address"),
        ("--database-pool-size", "4", "5..=1000"),
        ("--database-pool-size", "many", "invalid digit"),
        ("--database-timeout", "0", "1..=600"),
        ("--request-timeout", "1.5", "invalid digit"),
        ("--shutdown-timeout", "99999", "1..=3600"),
        ("--max-body-bytes", "1", "1024..=67108864"),
        ("--max-line-items", "0", "1..=100000"),
        ("--keep-alive-timeout", "0", "1..=3600"),
        ("--max-client-connections", "0", "1..=1000000"),
        ("--max-requests", "0", "1..=100000"),
        ("--rate-limit", "600", "count/seconds"),
        ("--rate-limit", "0/60", "count/seconds"),
        ("--failed-auth-limit", "60/0", "count/seconds"),
        ("--trusted-proxies", "proxy.example", "neither an address nor a block"),
        ("--public-url", "books.example/prefix", "write https://host"),
        ("--public-url", "https://books.example/prefix?a=b", "write https://host"),
        ("--cors-origins", "books.example", "write https://host"),
        ("--connector-networks", "books.example", "neither an address nor a block"),
        ("--log-format", "xml", "xml"),
    ] {
        let line = one_line(&unibooks(&["serve", &format!("{flag}={value}")]).output().expect("a process"), 2);
        assert!(line.contains(flag) && line.contains(value) && line.contains(reason), "{flag} {value}: {line}");

        // The same value in the environment.
        let variable = format!("UNIBOOKS_{}", flag.trim_start_matches("--").replace('-', "_").to_uppercase());
        let by_environment = unibooks(&["serve"]).env(&variable, value).output().expect("a process");
        assert_eq!(one_line(&by_environment, 2), line);
    }
}

#[test]
fn old_name_of_a_setting_ends_the_start() {
    for (old, new) in [
        ("UNIBOOKS_DATABASE_CONNECTIONS", "UNIBOOKS_DATABASE_POOL_SIZE"),
        ("UNIBOOKS_MAX_CONNECTIONS", "UNIBOOKS_MAX_CLIENT_CONNECTIONS"),
    ] {
        let line = one_line(&unibooks(SERVE).env(old, "8").output().expect("a process"), 2);
        assert_eq!(line, format!("error: {old} is now {new}; rename it"));
    }
}

#[test]
fn wrong_log_filter_is_refused() {
    let line = one_line(&unibooks(&[SERVE, &["--log", "unibooks=loud"]].concat()).output().expect("a process"), 1);
    assert!(line.contains("UNIBOOKS_LOG") && line.contains("unibooks=loud"), "{line}");
}

#[test]
fn missing_database_is_one_line_with_the_remedy() {
    for command in [SERVE, &["migrate"], &["project", "list"]] {
        let line = one_line(&unibooks(command).output().expect("a process"), 1);
        assert!(line.starts_with("error: DATABASE_URL is not set"), "{line}");
        assert!(line.contains("unibooks dev"), "{line}");
    }
}

/// The line with which a command refuses a URL that was given as a flag.
fn refusal_of_a_command(url: &str) -> String {
    let flag = unibooks(&["migrate", "--database-timeout=1", "--database-url", url]).output().expect("a process");
    one_line(&flag, 1)
}

#[test]
fn database_url_is_never_printed() {
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
fn sealing_keys_are_never_printed() {
    let url = "postgres://me@127.0.0.1:1/books";
    for keys in ["hunter2", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,hunter2"] {
        for arguments in [SERVE, &["dev", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]] {
            let mut command = unibooks(arguments);
            command.env("DATABASE_URL", url).env("UNIBOOKS_SEALING_KEYS", keys);
            let line = one_line(&command.output().expect("a process"), 1);
            assert!(line.contains("UNIBOOKS_SEALING_KEYS") && line.contains("openssl rand -base64 32"), "{line}");
            assert!(!line.contains("hunter2") && !line.contains("AAECAwQF"), "{line}");
        }
        for command in ["serve", "dev"] {
            let help = unibooks(&[command, "--help"]).env("UNIBOOKS_SEALING_KEYS", keys).output().expect("a process");
            let help = String::from_utf8(help.stdout).expect("UTF-8");
            assert!(help.contains("UNIBOOKS_SEALING_KEYS") && !help.contains("hunter2"), "{help}");
        }
    }
}

#[test]
fn unusable_file_of_certificates_is_named_with_its_setting() {
    let mut command = unibooks(SERVE);
    command.env("DATABASE_URL", "postgres://me@127.0.0.1:1/books").env("UNIBOOKS_CONNECTOR_CA_FILE", "/no-such-file");
    let line = one_line(&command.output().expect("a process"), 1);
    assert!(line.contains("UNIBOOKS_CONNECTOR_CA_FILE") && line.contains("/no-such-file"), "{line}");
}

#[test]
fn unsupported_database_parameter_ends_the_start() {
    for (parameter, value) in [("sslpassword", "hunter2"), ("channel_binding", "require"), ("sslcrl", "/hunter2")] {
        let url = format!("postgres://me@127.0.0.1:1/books?{parameter}={value}");
        let line = one_line(&unibooks(SERVE).env("DATABASE_URL", url).output().expect("a process"), 1);
        assert!(line.contains(parameter) && line.contains("DATABASE_URL") && !line.contains(value), "{line}");
    }
    let url = "postgres://me@127.0.0.1:1/books";
    let output = unibooks(SERVE).env("DATABASE_URL", url).env("PGCHANNELBINDING", "require").output();
    assert!(one_line(&output.expect("a process"), 1).contains("PGCHANNELBINDING"));
}

#[test]
fn url_of_an_unreachable_database_is_never_printed() {
    let url = "postgres://me:hunter2@127.0.0.1:1/books";
    let line = refusal_of_a_command(url);
    assert!(line.contains("DATABASE_URL") && !line.contains("hunter2"), "{line}");
    // A server does not end here, it waits for the database.
    let server = Server::serve(url);
    server.signal("TERM");
    let (status, printed, log) = server.wait();
    let log = log.join("\n");
    assert!(status.success() && log.contains("the database is away"), "{log}");
    assert!(!log.contains("hunter2") && !printed.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn taken_port_is_named_with_its_setting() {
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
fn healthcheck_without_a_server_fails_in_one_line() {
    let listen = format!("127.0.0.1:{}", free_port());
    let line = one_line(&unibooks(&["healthcheck", "--listen", &listen]).output().expect("a process"), 1);
    assert!(line.contains(&listen), "{line}");
}

#[tokio::test]
async fn env_file_is_read_and_the_environment_wins() {
    let url = postgres::url(&postgres::migrated().await).await;
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(".env"), format!("# The database.\nDATABASE_URL={url}\n")).expect("written");
    printed(&url, &["project", "create", "--name", "Here"]);
    let list = unibooks(&["project", "list"]).current_dir(folder.path()).output().expect("a process");
    assert!(String::from_utf8_lossy(&list.stdout).contains("Here"), "{}", String::from_utf8_lossy(&list.stderr));

    let other = postgres::url(&postgres::migrated().await).await;
    let list = unibooks(&["project", "list", "--json"]).current_dir(folder.path()).env("DATABASE_URL", other).output();
    assert_eq!(String::from_utf8_lossy(&list.expect("a process").stdout), "[]\n");
}

/// A command in a folder with a file `.env`. Only the owner has access to either.
fn beside(env_file: &str, arguments: &[&str]) -> (TempDir, Command) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(".env");
    fs::write(&file, env_file).expect("written");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("a mode");
    let mut command = unibooks(arguments);
    command.current_dir(folder.path());
    (folder, command)
}

#[tokio::test]
async fn env_file_sets_only_our_own_variables() {
    let url = postgres::url(&postgres::migrated().await).await;
    let text = format!("PGOPTIONS=--wrong\nUNIBOOKS_LOG=info\nexport DATABASE_URL=\"{url}\"\nHOME=/nowhere\n");
    let (folder, mut command) = beside(&text, &["project", "list"]);
    let output = command.env("UNIBOOKS_LOG_FORMAT", "json").output().expect("a process");
    let log = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{log}");
    let [line] = log.lines().collect::<Vec<_>>()[..] else { panic!("not one line: {log}") };
    let line: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(line["variables"], "DATABASE_URL, UNIBOOKS_LOG");
    let file = folder.path().canonicalize().expect("a path").join(".env");
    assert_eq!(line["file"], file.to_str().expect("a plain path"));
    assert!(!log.contains(&url), "{log}");
}

#[test]
fn malformed_env_file_is_named_by_its_line_only() {
    for fault in ["DATABASE_URL=\"postgres://me:hunter2@localhost/books", "DATABASE_URL=postgres://me:hunter2 @h/b"] {
        let text = format!("# The database.\n{fault}\nUNIBOOKS_LOG=info\n");
        let (_folder, mut command) = beside(&text, &["project", "list"]);
        let line = one_line(&command.output().expect("a process"), 2);
        assert!(line.contains("/.env") && line.contains("line 2") && !line.contains("hunter2"), "{line}");

        for arguments in [&["--help"][..], &["--version"], &["serve", "--help"], &["openapi"], &["configuration"]] {
            let (_folder, mut command) = beside(&text, arguments);
            let output = command.output().expect("a process");
            assert!(output.status.success(), "{arguments:?} needs no setting");
            let said = [output.stdout, output.stderr].concat();
            assert!(!String::from_utf8_lossy(&said).contains("hunter2"), "{arguments:?}");
        }
    }
}

#[test]
fn env_file_of_a_parent_folder_is_ignored() {
    let (folder, mut command) = beside("DATABASE_URL=postgres://127.0.0.1:1/foreign\n", &["project", "list"]);
    let below = folder.path().join("below");
    fs::create_dir(&below).expect("a folder");
    let line = one_line(&command.current_dir(&below).output().expect("a process"), 1);
    assert!(line.contains("DATABASE_URL is not set"), "{line}");
}

#[test]
fn env_file_that_others_can_write_is_refused() {
    let text = "DATABASE_URL=postgres://127.0.0.1:1/foreign\n";
    let refused = |reason: &str, spoil: &dyn Fn(&Path)| {
        let (folder, mut command) = beside(text, &["project", "list"]);
        spoil(folder.path());
        let line = one_line(&command.output().expect("a process"), 2);
        assert!(line.contains("is not used") && line.contains(reason), "{line}");
    };
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
    refused("everybody can write", &|folder| mode(&folder.join(".env"), 0o602));
    refused("everybody can write", &|folder| mode(folder, 0o707));
    refused("not a plain file", &|folder| {
        fs::rename(folder.join(".env"), folder.join("elsewhere")).expect("renamed");
        symlink("elsewhere", folder.join(".env")).expect("a link");
    });
    let (folder, _) = beside(text, &[]);
    // Only root can change the owner of a file.
    if chown(folder.path().join(".env"), Some(12_345), None).is_ok() {
        refused("id 12345", &|folder| chown(folder.join(".env"), Some(12_345), None).expect("given away"));
        refused("id 12345", &|folder| chown(folder, Some(12_345), None).expect("given away"));
        refused("group can write", &|folder| {
            chown(folder.join(".env"), None, Some(12_345)).expect("given away");
            mode(&folder.join(".env"), 0o660);
        });
    }
}

#[tokio::test]
async fn env_file_in_a_sticky_folder_is_read() {
    let url = postgres::url(&postgres::migrated().await).await;
    let (folder, mut command) = beside(&format!("DATABASE_URL={url}\n"), &["project", "list"]);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).expect("a mode");
    assert!(command.output().expect("a process").status.success());
}
