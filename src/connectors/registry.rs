//! The accounting software that this server can write to: one line each.

use super::Provider;
use super::erpnext::Erpnext;
use super::odoo::Odoo;
use super::tryton::Tryton;

/// All of it.
pub const ALL: &[&dyn Provider] = &[&Erpnext, &Odoo, &Tryton];

/// The software of this name.
#[must_use]
pub fn find(slug: &str) -> Option<&'static dyn Provider> {
    ALL.iter().copied().find(|provider| provider.slug() == slug)
}
