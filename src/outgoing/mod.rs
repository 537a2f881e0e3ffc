//! HTTP calls to other people's servers.
//!
//! Their addresses come from tenants, so a call must not reach what only this machine can reach: every address is checked
//! after its name was resolved, just before the socket is opened ([`Networks`]). An answer is bounded in time and bytes.
//! An error says whether the request can have reached the server ([`Sent`]), because a payment that may have arrived must
//! not be sent again.

mod answer;
mod client;
mod connector;
mod error;
mod networks;
mod resolver;
mod tls;

pub use answer::{Answer, BodyLimit};
pub use client::{Client, Options, check_url};
pub use error::{Error, Kind, Sent};
pub use networks::{LOOPBACK, Networks};
pub use resolver::Resolver;
