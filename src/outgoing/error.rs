//! Why a call has no answer.

/// Whether the server can have received the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It cannot: no byte of it was sent.
    No,
    /// It can, wholly or in part, and may have been obeyed.
    Maybe,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The URL cannot be called: no `http://host` or `https://host`, or with a user in it.
    InvalidUrl,
    /// The address is neither public nor listed, or not listed and would be called without TLS.
    NotAllowed,
    /// The name has no address, or nobody answered what it is.
    NotResolved,
    /// No address of the server accepts a connection.
    NotConnected,
    /// The server's certificate is not trusted, or it does not speak TLS.
    Tls,
    /// The time was over.
    Timeout,
    /// The connection ended before the whole answer was read.
    Interrupted,
    /// The answer has more bytes than are read.
    TooLarge,
    /// The answer is no HTTP, or its compression cannot be undone.
    Malformed,
}

/// Why a call has no answer. Its text names the host, and neither headers nor the path or query of the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// What went wrong.
    pub kind: Kind,
    /// Whether the request can have been received.
    pub sent: Sent,
    detail: String,
}

impl Error {
    /// An error before the request was sent.
    pub(super) fn before(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, sent: Sent::No, detail: detail.into() }
    }

    /// An error after the request was sent, or may have been.
    pub(super) fn after(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, sent: Sent::Maybe, detail: detail.into() }
    }
}
