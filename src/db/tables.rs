//! The tables of the server.

/// The privileges of Postgres that the server needs on each table.
pub const TABLES: &[(&str, &[&str])] = &[
    ("_sqlx_migrations", &["select"]),
    ("api_key", &["select", "insert", "update"]),
    ("connection", &["select", "insert", "update"]),
    ("connection_software", &["select", "insert", "update"]),
    ("event", &["select", "insert", "delete"]),
    ("event_feed", &["select", "insert", "update"]),
    ("event_outbox", &["select", "insert", "delete"]),
    ("payment", &["select", "insert", "update"]),
    ("payment_line_item", &["select", "insert", "delete"]),
    ("project", &["select", "insert"]),
    ("pull", &["select", "insert", "update"]),
    ("pull_progress", &["select", "insert", "update"]),
    ("reference", &["select", "insert", "update"]),
    ("remote_attempt", &["select", "insert", "update"]),
    ("remote_payment", &["select", "insert", "update"]),
    ("remote_write", &["select", "insert", "update"]),
    ("webhook_attempt", &["select", "insert", "delete"]),
    ("webhook_delivery", &["select", "insert", "update", "delete"]),
    ("webhook_endpoint", &["select", "insert", "update", "delete"]),
    ("webhook_replay", &["select", "insert", "update", "delete"]),
    ("webhook_retry", &["select", "insert", "update", "delete"]),
];
