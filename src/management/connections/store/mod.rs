//! Connections in Postgres, and the software behind them.

mod changes;
mod connections;
mod health;
mod sealed;
mod software;

pub(super) use changes::{change_sign_in, record_check};
pub use changes::{pause, resume};
pub(super) use connections::find_in;
pub use connections::{find, list, revoke};
pub(super) use connections::{insert, rename};
pub use health::{Record, record_health};
pub(super) use sealed::{replace_secret, sealed_secrets, sealing_heads};
pub(super) use software::insert as insert_software;
pub use software::software;
