//! Real accounting software: Tryton, started by the tests.

#[path = "../support/mod.rs"]
mod support;

mod tryton_books;
