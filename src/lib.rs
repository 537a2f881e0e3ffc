#![doc = include_str!("../docs/architecture.md")]

pub mod accounting;
pub mod api_keys;
pub mod auth;
pub mod cli;
pub mod config;
pub mod connections;
pub mod db;
pub mod domain;
pub mod http;
pub mod open_files;
pub mod ownership;
pub mod projects;
pub mod router;
pub mod server;
pub mod state;
pub mod telemetry;
