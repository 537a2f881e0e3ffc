//! What the product talks about. One slice for each noun of accounting; today there is one.

pub mod payments;
