//! Work that the server does by itself, for many connections, and fairly between them.

mod queue;
mod resting;
mod run;
mod work;

pub use queue::{Queue, Woken};
pub use run::{Limits, run};
pub use work::{Page, Run, Taken, Work};
