//! The sockets: accepting, timeouts, closing.

pub mod client_address;
pub mod idle_sockets;
pub mod listener;
pub mod open_files;
mod refused_head;
pub mod timeouts;
mod write_progress;
