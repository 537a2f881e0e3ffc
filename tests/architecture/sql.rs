//! Checks in the committed queries (`.sqlx`) and the migrations that every access names the tenant.

use std::fs;

use serde_json::Value;

use super::source::{files, root};

/// The tables with a row for each project, key or connection: they are small and are read before the tenant is known.
pub const WITHOUT_TENANT: &[&str] = &["project", "api_key", "connection", "connection_software", "pull"];

/// The queries that look for the server's own work in all connections, by a name in them. They answer
/// connections, projects and counts, and nothing of a payment.
const ACROSS_TENANTS: &[&str] = &[
    "connections_with_open_writes",
    "counts_of_open_writes",
    "projects_with_endpoints",
    "counts_of_deliveries",
    "sealing_heads_of_endpoints",
];

/// The condition of a query about many connections: the caller names them, and its project must own them.
const OF_A_PROJECT: &str =
    "where connection_id = any ($1) and connection_id in (select id from connection where project_id = $2)";

/// Every table that the migrations create, with the columns of its primary key.
pub fn tables() -> Vec<(String, String)> {
    let mut tables = Vec::new();
    for path in files(&root().join("migrations"), &["sql"]) {
        let text = fs::read_to_string(path).expect("a migration");
        let sql = text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
        for statement in sql.split(';').map(str::trim) {
            // A migration of several statements is a `do` block.
            let first = statement.strip_prefix("do $$ begin").or_else(|| statement.strip_prefix("do $$\nbegin"));
            let Some(rest) = first.unwrap_or(statement).trim().strip_prefix("create table ") else { continue };
            let name = rest.split([' ', '(']).next().unwrap_or_default().to_owned();
            let key = rest.rsplit_once("primary key (").map_or("", |(_, key)| key);
            tables.push((name, key.split(')').next().unwrap_or_default().to_owned()));
        }
    }
    tables
}

/// Every query of the library, as it was checked at compile time.
pub fn queries() -> Vec<String> {
    let read = |path| {
        let text = fs::read_to_string(path).expect("a query");
        let query: Value = serde_json::from_str(&text).expect("JSON");
        query["query"].as_str().expect("SQL").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    files(&root().join(".sqlx"), &["json"]).into_iter().map(read).collect()
}

/// The column that names the tenant of a table with this primary key: the connection, or for what belongs to a project
/// as a whole, the project.
pub fn tenant(key: &str) -> Option<&str> {
    key.split(", ").next().filter(|first| ["connection_id", "project_id"].contains(first))
}

/// The places where a query reads or writes a table without naming the tenant.
pub fn without_tenant(query: &str, table: &str, key: &str) -> Vec<String> {
    let tenant = tenant(key).expect("the key begins with the tenant");
    let condition = format!("where {tenant} = $1");
    let mut found = Vec::new();
    if ACROSS_TENANTS.iter().any(|name| query.contains(name)) && !query.contains("from payment ") {
        return found;
    }
    for verb in ["from", "join", "update", "into"] {
        let named = format!("{verb} {table} ");
        let sql = format!("{query} ");
        for (at, _) in sql.match_indices(&named) {
            let rest = sql[at + named.len()..].trim_start();
            let names_tenant = match verb {
                "into" => rest.trim_start_matches(['(', ' ']).starts_with(tenant),
                "from" => rest.starts_with(&condition) || tenant == "connection_id" && rest.starts_with(OF_A_PROJECT),
                "update" => rest.starts_with("set ") && rest.contains(&format!(" {condition}")),
                // No query joins such a table so far. The first one that does needs a rule here.
                _ => false,
            };
            if !names_tenant {
                found.push(format!("`{named}…` in: {query}"));
            }
        }
    }
    found
}
