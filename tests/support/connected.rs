//! Connections with accounting software, as the database has them after a first pull. No software runs: what it does with
//! a payment is written into the tables as the server's own task would do it.

use serde_json::{Value, json};
use sqlx::PgConnection;
use unibooks::domain::references::Resource;
use unibooks::domain::{ConnectionId, RemoteId};
use uuid::Uuid;

use super::app::{App, Tenant};
use super::software;
use super::wait::until;

/// The reason for which the software refuses a payment here.
pub const REASON: &str = "The period \"2026-11\" is closed.";

fn id(connection: ConnectionId, resource: Resource, remote_id: &str) -> Uuid {
    resource.id(connection, &remote_id.parse::<RemoteId>().expect("an id")).0
}

/// The id of an invoice of the books.
pub fn invoice(tenant: &Tenant, remote_id: &str) -> Uuid {
    id(tenant.connection_id, Resource::Invoice, remote_id)
}

/// The id of an account of the books.
pub fn account(tenant: &Tenant, remote_id: &str) -> Uuid {
    id(tenant.connection_id, Resource::Account, remote_id)
}

/// A payment of invoice 15 that Tryton takes.
pub fn payment(tenant: &Tenant) -> Value {
    json!({
        "invoice_id": invoice(tenant, "15"), "account_id": account(tenant, "7"), "total_amount": 40_000,
        "currency": "USD", "transaction_date": "2026-11-26",
    })
}

impl App {
    /// A new project whose connection has a Tryton behind it, with invoices 15 and 16, the paid invoice 17, and account 7.
    pub async fn tenant_with_software(&self) -> Tenant {
        let tenant = self.tenant().await;
        self.add_software(&tenant).await;
        tenant
    }

    /// Puts a Tryton behind a connection that was not used yet.
    pub async fn add_software(&self, tenant: &Tenant) {
        let mut session = self.connect().await;
        software::connect(self, tenant).await;
        let found = "update connection_software set company = '1', login = 'unified', base_currency = 'USD'
                     where connection_id = $1";
        sqlx::query(found).bind(tenant.connection_id.0).execute(&mut session).await.expect("checked");
        for (number, status) in [("15", "Open"), ("16", "PartiallyPaid"), ("17", "Paid")] {
            let fields = json!({
                "type": "ACCOUNTS_RECEIVABLE", "number": number, "memo": null, "issue_date": null, "due_date": null,
                "paid_on_date": null, "contact_id": null, "currency": "USD", "exchange_rate": null, "sub_total": null,
                "total_discount": null, "total_tax_amount": null, "total_amount": 100_000, "balance": 100_000,
                "status": status, "accounting_period_id": null, "tracking_categories": [], "line_items": [],
            });
            let record = json!({ "id": number.parse::<i64>().expect("a number"), "party": 5, "company": 1,
                                 "currency.": { "id": 1, "digits": 2 } });
            store(&mut session, tenant, Resource::Invoice, number, fields, record).await;
        }
        let fields = json!({
            "name": "Main bank", "description": null, "classification": "Asset", "type": null, "status": "Active",
            "current_balance": null, "currency": null, "account_number": "1000", "parent_account": null,
            "company_info_id": null, "is_payment_account": true,
        });
        let method = json!({ "id": 1, "name": "Bank", "debit_account": 7, "credit_account": 7 });
        let record = json!({ "id": 7, "payment_methods": [method] });
        store(&mut session, tenant, Resource::Account, "7", fields, record).await;
    }

    /// The id of the only payment of a connection whose write has begun, once it is there.
    pub async fn begun_write(&self, tenant: &Tenant) -> Uuid {
        let mut session = self.connect().await;
        let mut found = None;
        until("the write begins", async || {
            let query = "select payment_id from remote_write where connection_id = $1 and state = 'pending'";
            let row = sqlx::query_scalar(query).bind(tenant.connection_id.0).fetch_optional(&mut session).await;
            found = row.expect("an answer");
            found.is_some()
        })
        .await;
        found.expect("a payment")
    }

    /// The software took the payment.
    pub async fn apply(&self, tenant: &Tenant, payment: Uuid) {
        self.settle(tenant, payment, "applied", Some("15")).await;
    }

    /// The software refused the payment.
    pub async fn reject(&self, tenant: &Tenant, payment: Uuid) {
        self.settle(tenant, payment, "rejected", None).await;
    }

    async fn settle(&self, tenant: &Tenant, payment: Uuid, state: &str, remote_id: Option<&str>) {
        let faults = json!([{ "pointer": "/transaction_date", "code": "refused_by_software", "detail": REASON }]);
        let errors = remote_id.is_none().then(|| faults.to_string());
        let record = remote_id.map(|id| json!({ "id": id }).to_string());
        sqlx::query(
            "with settled as (
                 update remote_write set state = $3, due_at = null, attempts = 1, write_key = 'u' || $2, prepared = '\\x00',
                                         errors = $4::json
                 where connection_id = $1 and payment_id = $2
             ), attempt as (
                 insert into remote_attempt (connection_id, payment_id, number, action, started_at, ended_at, outcome,
                                             code, detail, actor, reason)
                 values ($1, $2, 1, 'send', '2026-11-26T10:00:00Z', '2026-11-26T10:00:01Z', $3, 'UserError', $7,
                         'an actor', 'a secret reason')
             )
             update payment set remote_status = $3, remote_id = $5, remote_data = $6::json,
                                modified_at = now() + interval '1 second'
             where connection_id = $1 and id = $2",
        )
        .bind(tenant.connection_id.0)
        .bind(payment)
        .bind(state)
        .bind(errors)
        .bind(remote_id)
        .bind(record)
        .bind(REASON)
        .execute(&mut self.connect().await)
        .await
        .expect("settled");
    }
}

async fn store(
    session: &mut PgConnection,
    tenant: &Tenant,
    resource: Resource,
    remote_id: &str,
    fields: Value,
    record: Value,
) {
    sqlx::query(
        "insert into reference (connection_id, id, resource, remote_id, position, stamp, fields, remote_data,
                                remote_was_deleted, created_at, modified_at)
         values ($1, $2, $3, $4, $4, '', $5::json, $6::json, false, now(), now())",
    )
    .bind(tenant.connection_id.0)
    .bind(id(tenant.connection_id, resource, remote_id))
    .bind(resource.as_str())
    .bind(remote_id)
    .bind(fields.to_string())
    .bind(record.to_string())
    .execute(session)
    .await
    .expect("stored");
}
