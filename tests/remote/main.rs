//! Real accounting software: Tryton, started by the tests.

#[path = "../support/mod.rs"]
mod support;

mod connected;
mod tryton_books;
mod tryton_check;
mod tryton_payments;
mod tryton_references;
