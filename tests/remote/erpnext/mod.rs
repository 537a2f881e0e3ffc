//! The connector of ERPNext against a real site, which a variable names:
//!
//! `UNIBOOKS_TEST_ERPNEXT='http://KEY:SECRET@HOST:PORT/?company=COMPANY&accountant=KEY:SECRET'`
//!
//! The user in the address is the one of the connector, as `docs/connect/erpnext.md` makes it; the accountant makes
//! invoices and cancels payments (Accounts User and Accounts Manager). The company's currency is USD, with a bank account
//! in USD and one in EUR, the service item `SERVICE`, the customer `Acme Customer`, the supplier `Widget Supplier`, and
//! `Euro Customer` with a receivable account in EUR. Without the variable the tests say so and pass.

mod books;
mod imports;
mod payments;
mod references;
mod refusals;
mod setup;
