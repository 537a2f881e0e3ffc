pub mod payments;
pub mod references;
