//! HTTP, independent of the resources. Nothing here knows a resource.
//!
//! The layers of this folder, from the lowest: [`limits`] counts, [`problem`] describes errors, [`admission`] bounds
//! concurrent work, [`request`] reads and [`response`] writes, [`middleware`] wraps every route, [`server`] owns the
//! sockets.

pub mod admission;
pub mod limits;
pub mod middleware;
pub mod problem;
pub mod request;
pub mod response;
pub mod server;
