//! Real accounting software: Tryton, started by the tests; ERPNext where a variable names a site.

#[allow(dead_code, reason = "only the commands are used here")]
#[path = "../cli/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod connected;
mod connected_tenant;
mod connections;
mod cutter;
mod erpnext;
mod odoo;
mod tryton_books;
mod tryton_check;
mod tryton_imports;
mod tryton_payments;
mod tryton_pulls;
mod tryton_references;
mod tryton_writes;
