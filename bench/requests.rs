//! Requests whose bytes are built before the measurement.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use uuid::{Builder, fmt::Hyphenated};

use crate::tenant::Tenant;

/// The example of the API documentation.
const EXAMPLE: &str = include_str!("../src/cli/demo_payment.json");
/// A placeholder for the idempotency key, of the same length.
const KEY_PLACEHOLDER: [u8; Hyphenated::LENGTH] = [b'0'; Hyphenated::LENGTH];

/// The requests of a load.
#[derive(Clone)]
pub enum Requests {
    /// The same request, each time with a new idempotency key, which replaces the bytes from `key_at` on.
    Fresh { bytes: Vec<u8>, key_at: usize },
    /// These requests in turn, shared by all clients.
    Cycle { all: Rc<[Vec<u8>]>, next: Rc<Cell<usize>> },
}

/// The body of a create call: the example on one line.
pub fn example() -> String {
    EXAMPLE.lines().map(str::trim).collect()
}

/// The bytes of a create call.
pub fn create(address: SocketAddr, tenant: &Tenant, key: &str, body: &str) -> Vec<u8> {
    create_with(address, tenant, key, "", body)
}

/// The same with more headers, each with its line break.
fn create_with(address: SocketAddr, tenant: &Tenant, key: &str, headers: &str, body: &str) -> Vec<u8> {
    let Tenant { api_key, token, .. } = tenant;
    format!(
        "POST /accounting/payments HTTP/1.1\r\nhost: {address}\r\nx-api-key: {api_key}\r\n\
         x-connection-token: {token}\r\ncontent-type: application/json\r\nidempotency-key: {key}\r\n\
         {headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The bytes of a call of a project's own objects.
pub fn post(address: SocketAddr, tenant: &Tenant, path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        tenant.api_key,
        body.len()
    )
    .into_bytes()
}

/// The bytes of a read of payments; `path` is appended to `/accounting/payments`.
pub fn get(address: SocketAddr, tenant: &Tenant, path: &str) -> Vec<u8> {
    let Tenant { api_key, token, .. } = tenant;
    format!(
        "GET /accounting/payments{path} HTTP/1.1\r\nhost: {address}\r\nx-api-key: {api_key}\r\n\
         x-connection-token: {token}\r\n\r\n"
    )
    .into_bytes()
}

impl Requests {
    /// Create calls with a new idempotency key each.
    pub fn fresh(address: SocketAddr, tenant: &Tenant, body: &str) -> Self {
        Self::fresh_with(address, tenant, "", body)
    }

    /// The same with more headers, each with its line break.
    pub fn fresh_with(address: SocketAddr, tenant: &Tenant, headers: &str, body: &str) -> Self {
        let bytes = create_with(address, tenant, &String::from_utf8_lossy(&KEY_PLACEHOLDER), headers, body);
        let key_at =
            bytes.windows(KEY_PLACEHOLDER.len()).position(|window| window == KEY_PLACEHOLDER).unwrap_or_default();
        Self::Fresh { bytes, key_at }
    }

    /// These requests in turn.
    pub fn cycle(all: Vec<Vec<u8>>) -> Self {
        Self::Cycle { all: all.into(), next: Rc::default() }
    }

    /// The bytes of the next request.
    pub fn next(&mut self) -> &[u8] {
        match self {
            Self::Fresh { bytes, key_at } => {
                let key = Builder::from_random_bytes(rand::random()).into_uuid();
                key.hyphenated().encode_lower(&mut bytes[*key_at..]);
                bytes
            }
            Self::Cycle { all, next } => {
                let now = next.get();
                next.set((now + 1) % all.len());
                &all[now]
            }
        }
    }
}
