//! The accounting resources.

pub mod accounting_periods;
pub mod accounts;
pub mod company_infos;
pub mod contacts;
pub mod invoices;
pub mod payments;
pub mod references;
pub mod tracking_categories;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::Authenticator;
use crate::http::problem::ProblemType;
use crate::http::request::Limits;

/// The problem types of all accounting resources.
pub const PROBLEMS: &[&[&ProblemType]] = &[payments::problems::ALL, references::problems::ALL];

/// The routes of all accounting resources.
#[must_use]
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
    payments::GroupCommit: FromRef<S>,
    payments::software::Calls: FromRef<S>,
    Limits: FromRef<S>,
{
    payments::routes()
        .merge(contacts::routes())
        .merge(invoices::routes())
        .merge(accounts::routes())
        .merge(company_infos::routes())
        .merge(tracking_categories::routes())
        .merge(accounting_periods::routes())
}
