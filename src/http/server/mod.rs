//! Client connections (sockets): accepting, serving, timeouts, closing.

pub mod client_address;
mod client_socket;
mod hyper_errors;
mod idle_since;
mod idle_sockets;
pub mod listener;
pub mod open_files;
mod streamed_body;
pub mod timeouts;
mod write_progress;
