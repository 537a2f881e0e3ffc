//! The tables of the server.

/// The privileges of Postgres that the server needs on each table.
pub const TABLES: &[(&str, &[&str])] = &[
    ("_sqlx_migrations", &["select"]),
    ("api_key", &["select", "insert", "update"]),
    ("connection", &["select", "insert", "update"]),
    ("payment", &["select", "insert"]),
    ("payment_line_item", &["select", "insert"]),
    ("project", &["select", "insert"]),
];
