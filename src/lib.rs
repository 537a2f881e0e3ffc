#![doc = include_str!("../docs/architecture.md")]

pub mod accounting;
pub mod auth;
pub mod cli;
pub mod config;
pub mod db;
pub mod domain;
pub mod health;
pub mod http;
pub mod management;
pub mod openapi;
pub mod ownership;
pub mod router;
pub mod server;
pub mod state;
pub mod telemetry;
