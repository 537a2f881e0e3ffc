//! Deliveries in Postgres: how far endpoints are, who sends, what is sent again, and what was tried.

mod attempts;
mod lease;
mod pending;
mod pending_on_nodes;
mod progress;
mod projects;
mod projects_on_nodes;
mod replays;
mod retries;

pub use attempts::{StoredAttempt, attempted, attempts, insert_attempts, remove_attempts};
pub use lease::{Candidate, Lease, awaits_positions, candidates, lease, release, settle};
pub use pending::{Pending, pending};
pub use progress::{begin, forget};
pub use projects::projects;
pub use replays::{Replay, advance, finish, insert_replay, next_replay};
pub use retries::{Retry, due_retries, end_retries, hasten, open_retries, put_retries};
