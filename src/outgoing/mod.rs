//! Calls to other people's servers.

/// Makes the calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client;

/// Why a call failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    sent: Sent,
    detail: String,
}

/// Whether the other server can have received the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It has not.
    No,
    /// It may have.
    Maybe,
}

impl Error {
    /// Whether the other server can have received the request.
    #[must_use]
    pub fn sent(&self) -> Sent {
        self.sent
    }
}
