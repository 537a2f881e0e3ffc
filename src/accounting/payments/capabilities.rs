//! `GET /connections/capabilities`
#![expect(clippy::missing_errors_doc, reason = "`PROBLEMS` lists them; the doc comment is the API's own")]

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::Error;
use super::software::members;
use crate::accounting::references::{Software, software};
use crate::auth::{self, Can, PaymentsRead};
use crate::connectors::{ExactlyOnce, Member};
use crate::http::problem::{ProblemType, types};
use crate::http::request::Query;
use crate::http::request::query::NoParameters;

/// What this call can be answered besides 200 and what every call with credentials can be answered.
pub const PROBLEMS: &[&ProblemType] = &[&auth::problems::MISSING_SCOPE, &types::INVALID_QUERY];

/// What a connection can do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Capabilities)]
pub struct CapabilitiesView {
    /// The software behind the connection; `none` where there is none.
    #[schema(example = "tryton")]
    provider: &'static str,
    /// What the software is called.
    #[schema(example = "Tryton")]
    name: Option<&'static str>,
    /// What its payments may have; null without software, where every valid payment is stored as it is.
    payments: Option<PaymentCapabilities>,
}

/// What payments may have. The create call checks them against the same table.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentCapabilities {
    /// How the software makes sure that a payment is written once.
    exactly_once: ExactlyOnce,
    /// The members that are required, ignored or limited. All others are optional, and are kept here and not sent.
    members: Vec<Member>,
    /// Whether it takes payments of customers.
    customer_payments: bool,
    /// Whether it takes payments to suppliers.
    supplier_payments: bool,
    /// The most invoices of one payment.
    max_allocations: usize,
    /// Whether it takes a payment without an invoice.
    on_account: bool,
    /// Whether a payment may be larger than its allocations.
    partly_on_account: bool,
    /// Whether it takes the exchange rate of the create call.
    takes_exchange_rate: bool,
    /// Whether payments that are made in the software itself come in.
    reads_payments: bool,
}

/// Reads what the software behind the connection requires and ignores of a payment, and what it cannot do.
#[utoipa::path(
    get, path = "/connections/capabilities", tag = "connections", operation_id = "retrieve_capabilities",
    responses((status = 200, description = "What the connection can do", body = CapabilitiesView)),
    security(("api_key" = ["payments:read"], "connection_token" = [])),
)]
pub async fn retrieve_capabilities(
    Can { scope, .. }: Can<PaymentsRead>,
    Query(NoParameters): Query<NoParameters>,
) -> Result<Json<CapabilitiesView>, Error> {
    if !scope.has_software() {
        return Ok(Json(CapabilitiesView { provider: "none", name: None, payments: None }));
    }
    let (Software { provider, .. }, _) = software(&scope, &[]).await?;
    let capabilities = provider.capabilities();
    let payments = PaymentCapabilities {
        exactly_once: capabilities.exactly_once,
        members: members(capabilities),
        customer_payments: capabilities.customer_payments,
        supplier_payments: capabilities.supplier_payments,
        max_allocations: capabilities.max_allocations,
        on_account: capabilities.on_account,
        partly_on_account: capabilities.partly_on_account,
        takes_exchange_rate: capabilities.takes_exchange_rate,
        reads_payments: capabilities.reads_payments,
    };
    Ok(Json(CapabilitiesView { provider: provider.slug(), name: Some(provider.name()), payments: Some(payments) }))
}
