//! Odoo: run where `UNIBOOKS_TEST_ODOO` names servers, else skipped with a message.
//!
//! It holds addresses separated by spaces, each `http://LOGIN:SECRET@HOST:PORT/DATABASE?admin=SECRET`. The user has the
//! group Billing; the secret is the password in Odoo 14 and an API key in Odoo 19; `admin` is that of the user `admin`. The
//! books have one company, in USD, a customer and a supplier with posted invoices, and one bank journal for each account.

mod books;
mod imports;
mod payments;
mod references;
