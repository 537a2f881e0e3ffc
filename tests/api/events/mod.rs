//! What is announced, and how long it is kept.

mod connections;
mod retention;
