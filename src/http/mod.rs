//! How this server speaks HTTP, whatever the resources are. Nothing here knows a resource.
//!
//! The floors, from the lowest: [`limits`] count, [`problem`] describes what went wrong, [`admission`] bounds what is
//! under way, [`request`] and [`response`] read and write, [`middleware`] wraps every route, [`server`] owns the sockets.

pub mod admission;
pub mod limits;
pub mod middleware;
pub mod problem;
pub mod request;
pub mod response;
pub mod server;
