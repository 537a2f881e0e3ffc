//! The commands `project`, `api-key`, `connection`, `migrate` and `openapi`.

use serde_json::{Value, json};

use crate::process::{one_line, printed, printed_json, run, unibooks};
use crate::support::postgres;

async fn migrated() -> String {
    postgres::url(&postgres::migrated().await).await
}

fn project(url: &str, name: &str) -> String {
    printed_json(url, &["project", "create", "--name", name])["id"].as_str().expect("an id").to_owned()
}

/// The word after a heading, like `api key  ub_key_…`.
fn after<'a>(text: &'a str, heading: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(heading)).unwrap_or_else(|| panic!("{heading}: {text}"));
    line.trim()
}

#[tokio::test]
async fn project_is_made_and_listed() {
    let url = migrated().await;
    let id = after(&printed(&url, &["project", "create", "--name", "Märchen & Söhne"]), "project").to_owned();
    let table = printed(&url, &["project", "list"]);
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("ID  "), "{table}");
    assert!(lines[1].starts_with(&format!("{id}  Märchen & Söhne  20")), "{table}");
    let list = printed_json(&url, &["project", "list"]);
    assert_eq!(list[0]["name"], "Märchen & Söhne");
    assert_eq!(list[0]["id"], id);
    let created_at = list[0]["created_at"].as_str().expect("a time");
    assert_eq!(list, json!([{ "id": id, "name": "Märchen & Söhne", "created_at": created_at }]));
}

#[tokio::test]
async fn key_is_shown_once_and_listed_by_its_end() {
    let url = migrated().await;
    let project = project(&url, "Books");
    let shown = printed(&url, &["api-key", "create", "--project", &project, "--name", "Shop"]);
    let (id, key) = (after(&shown, "id"), after(&shown, "api key"));
    assert!(key.starts_with("ub_key_"), "{shown}");
    assert!(shown.ends_with("It is not shown again.\n"));
    let table = printed(&url, &["api-key", "list"]);
    let end = format!("…{}", &key[key.len() - 4..]);
    let row = table.lines().nth(1).expect("a row");
    assert!(row.starts_with(&format!("{id}  {end}  Shop  payments:read,payments:write,accounting:read  ")), "{table}");
    let list = printed_json(&url, &["api-key", "list"]);
    assert_eq!(list[0]["revoked_at"], Value::Null);
    assert!(!table.contains(key) && !list.to_string().contains(key), "never again");
}

#[tokio::test]
async fn key_may_be_read_only_and_may_expire() {
    let url = migrated().await;
    let project = project(&url, "Books");
    let arguments = ["api-key", "create", "--project", &project, "--name", "Reports", "--read-only", "--expires-at"];
    let made = printed_json(&url, &[&arguments[..], &["2030-01-31T00:00:00Z"]].concat());
    assert!(made["api_key"].as_str().is_some_and(|key| key.starts_with("ub_key_")));
    assert_eq!((&made["scopes"], &made["expires_at"]), (&json!(["payments:read"]), &json!("2030-01-31T00:00:00Z")));
    let table = printed(&url, &["api-key", "list"]);
    assert!(table.contains("  payments:read  ") && table.contains("2030-01-31 00:00"), "{table}");
}

#[tokio::test]
async fn key_has_the_scopes_that_were_asked_for() {
    let url = migrated().await;
    let project = project(&url, "Books");
    let create = ["api-key", "create", "--project", &project, "--name", "Feed"];
    let made = printed_json(&url, &[&create[..], &["--scope", "webhooks:write", "--scope", "payments:read"]].concat());
    assert_eq!(made["scopes"], json!(["payments:read", "webhooks:write"]));
    assert_eq!(printed_json(&url, &["api-key", "list"])[0]["scopes"], made["scopes"]);
    assert!(printed(&url, &["api-key", "list"]).contains("  payments:read,webhooks:write  "));
    for (wrong, part) in [
        (&["--scope", "payments"][..], "[possible values: payments:read, payments:write, "),
        (&["--scope", "payments:write", "--read-only"], "cannot be used with"),
    ] {
        let line = one_line(&run(&url, &[&create[..], wrong].concat()), 2);
        assert!(line.contains("--scope") && line.contains(part), "{line}");
    }
}

#[tokio::test]
async fn expiry_is_a_utc_day_in_the_future() {
    let url = migrated().await;
    let project = project(&url, "Books");
    let key = ["api-key", "create", "--project", &project, "--name", "Shop", "--expires-at"];
    let connection = ["connection", "create", "--project", &project, "--label", "Main", "--expires-at"];
    for create in [&key, &connection] {
        let made = printed_json(&url, &[&create[..], &["2030-01-31"]].concat());
        assert_eq!(made["expires_at"], "2030-01-31T00:00:00Z");
        for (wrong, reason) in [("2030-01-31T23:59:60Z", "leap seconds"), ("2020-01-31", "in the past")] {
            let line = one_line(&run(&url, &[&create[..], &[wrong]].concat()), 2);
            assert!(line.contains("--expires-at") && line.contains(reason), "{line}");
        }
    }
}

#[tokio::test]
async fn connection_is_shown_once_and_listed_by_its_end() {
    let url = migrated().await;
    let project = project(&url, "Books");
    let create = ["connection", "create", "--project", &project, "--label", "Main"];
    let shown = printed(&url, &create);
    let (id, token) = (after(&shown, "id"), after(&shown, "connection token"));
    assert!(token.starts_with("ub_conn_"), "{shown}");
    let table = printed(&url, &["connection", "list"]);
    let row = table.lines().nth(1).expect("a row");
    assert!(row.starts_with(&format!("{id}  …{}  Main   none", &token[token.len() - 4..])), "{table}");
    assert!(!printed_json(&url, &["connection", "list"]).to_string().contains(token));
    let made = printed_json(&url, &[&create[..], &["--provider", "none"]].concat());
    assert!(made["connection_token"].as_str().is_some_and(|token| token.starts_with("ub_conn_")));
    assert_eq!(made["provider"], "none");
}

#[tokio::test]
async fn lists_show_all_projects_or_one() {
    let url = migrated().await;
    let (first, second) = (project(&url, "First"), project(&url, "Second"));
    for project in [&first, &second] {
        printed(&url, &["api-key", "create", "--project", project, "--name", "Key"]);
        printed(&url, &["connection", "create", "--project", project, "--label", "Connection"]);
    }
    for noun in ["api-key", "connection"] {
        assert_eq!(printed_json(&url, &[noun, "list"]).as_array().map(Vec::len), Some(2));
        let list = printed_json(&url, &[noun, "list", "--project", &second]);
        assert_eq!(list.as_array().map(Vec::len), Some(1));
        assert_eq!(list[0]["project_id"], second);
    }
}

#[tokio::test]
async fn revocation_is_listed_with_its_first_time() {
    let url = migrated().await;
    let project = project(&url, "Books");
    for (noun, name) in [("api-key", "--name"), ("connection", "--label")] {
        let made = printed_json(&url, &[noun, "create", "--project", &project, name, "x"]);
        let id = made["id"].as_str().expect("an id");
        assert_eq!(after(&printed(&url, &[noun, "revoke", id]), "revoked"), id);
        let revoked = printed_json(&url, &[noun, "list"])[0]["revoked_at"].clone();
        assert!(revoked.is_string());
        printed(&url, &[noun, "revoke", id]);
        assert_eq!(printed_json(&url, &[noun, "list"])[0]["revoked_at"], revoked);
    }
}

#[tokio::test]
async fn unknown_id_is_one_line() {
    let url = migrated().await;
    let unknown = "0197a3c2-5b7e-7c40-8a51-3f0b6a9d2e11";
    for (arguments, line) in [
        (
            vec!["api-key", "create", "--project", unknown, "--name", "x"],
            format!("error: there is no project {unknown}; see `project list`"),
        ),
        (
            vec!["connection", "create", "--project", unknown, "--label", "x"],
            format!("error: there is no project {unknown}; see `project list`"),
        ),
        (vec!["api-key", "revoke", unknown], format!("error: there is no key {unknown}; see `api-key list`")),
        (
            vec!["connection", "revoke", unknown],
            format!("error: there is no connection {unknown}; see `connection list`"),
        ),
    ] {
        assert_eq!(one_line(&run(&url, &arguments), 1), line);
    }
}

#[tokio::test]
async fn malformed_argument_is_one_line_with_its_flag() {
    let url = migrated().await;
    let id = "0197a3c2-5b7e-7c40-8a51-3f0b6a9d2e11";
    for (arguments, reason) in [
        (vec!["project", "create", "--name", "  "], "--name"),
        (vec!["project", "create", "--name", "two\nlines"], "--name"),
        (vec!["api-key", "create", "--project", "7", "--name", "x"], "--project"),
        (vec!["api-key", "create", "--project", id, "--name", "x", "--expires-at", "soon"], "--expires-at"),
        (vec!["connection", "create", "--project", id, "--label", "x", "--provider", "xero"], "--provider"),
        (vec!["api-key", "revoke", "7"], "<ID>"),
    ] {
        let line = one_line(&run(&url, &arguments), 2);
        assert!(line.contains(reason), "{line}");
    }
}

#[tokio::test]
async fn migrate_is_repeatable_and_required_by_other_commands() {
    let url = postgres::url(&postgres::empty().await).await;
    let line = one_line(&run(&url, &["project", "list"]), 1);
    assert!(line.contains("run `unibooks migrate`"), "{line}");
    for _ in 0..2 {
        assert_eq!(printed(&url, &["migrate"]), "the database is up to date\n");
    }
    assert_eq!(printed_json(&url, &["project", "list"]), json!([]));
}

#[test]
fn openapi_needs_no_setting() {
    let output = unibooks(&["openapi"]).output().expect("a process");
    assert!(output.status.success());
    let expected = unibooks::router::openapi().to_pretty_json().expect("JSON") + "\n";
    assert!(String::from_utf8(output.stdout).expect("UTF-8") == expected);
}
