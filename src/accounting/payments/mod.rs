//! Payments.
//!
//! `POST /accounting/payments` passes through these files in this order: [`create`] (the handler), [`body`] (reads the
//! JSON), [`payment`] (the type), [`mod@write`] (many payments in one commit), [`store`] (the SQL), [`view`] (the answer).

pub mod body;
mod bounds;
pub mod capabilities;
pub mod create;
pub mod error;
pub mod filter;
pub mod get;
pub mod list;
pub mod payment;
pub mod problems;
pub mod query;
pub mod remote;
mod snapshot;
pub mod software;
pub mod store;
pub mod view;
pub mod write;

pub use error::Error;
pub use payment::{LineItem, Payment, PaymentData};
pub use snapshot::snapshots;
pub use write::group_commit::GroupCommit;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::capabilities::{__path_retrieve_capabilities, retrieve_capabilities};
use self::create::{__path_create_payment, create_payment};
use self::get::{__path_retrieve_payment, retrieve_payment};
use self::list::{__path_list_payments, list_payments};
use self::remote::{__path_retrieve_payment_remote, retrieve_payment_remote};
use self::software::Calls;
use crate::auth::Authenticator;
use crate::http::problem::documented;
use crate::http::problem::types::{OF_BODIES, OF_CALLERS};
use crate::http::request::Limits;

/// The routes of payments, each with the problems that it can answer.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
    GroupCommit: FromRef<S>,
    Calls: FromRef<S>,
    Limits: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(documented(routes!(create_payment), &[OF_CALLERS, OF_BODIES, create::PROBLEMS]))
        .routes(documented(routes!(list_payments), &[OF_CALLERS, list::PROBLEMS]))
        .routes(documented(routes!(retrieve_payment), &[OF_CALLERS, get::PROBLEMS]))
        .routes(documented(routes!(retrieve_payment_remote), &[OF_CALLERS, remote::PROBLEMS]))
        .routes(documented(routes!(retrieve_capabilities), &[OF_CALLERS, capabilities::PROBLEMS]))
}
