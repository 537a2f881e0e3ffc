//! What is announced.

mod connections;
