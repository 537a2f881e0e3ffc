//! The states of a write into the accounting software.

use crate::domain::RemoteStatus;

/// Where a write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is to be sent.
    Pending,
    /// It is being sent. Clients see it as `pending`.
    Sending,
    /// Perhaps the software has it.
    Unknown,
    /// The software has it.
    Applied,
    /// The software refused it, or a person gave it up.
    Rejected,
    /// A person must decide.
    NeedsAttention,
    /// The software had it, and it was cancelled there.
    Voided,
}

impl State {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Pending,
        Self::Sending,
        Self::Unknown,
        Self::Applied,
        Self::Rejected,
        Self::NeedsAttention,
        Self::Voided,
    ];

    /// Its name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            other => other.seen_by_clients().as_str(),
        }
    }

    /// What clients see.
    #[must_use]
    pub const fn seen_by_clients(self) -> RemoteStatus {
        match self {
            Self::Pending | Self::Sending => RemoteStatus::Pending,
            Self::Unknown => RemoteStatus::Unknown,
            Self::Applied => RemoteStatus::Applied,
            Self::Rejected => RemoteStatus::Rejected,
            Self::NeedsAttention => RemoteStatus::NeedsAttention,
            Self::Voided => RemoteStatus::Voided,
        }
    }
}
