//! Objects of accounting software, stored directly in the database.

use chrono::NaiveDate;
use serde_json::{Value, json};
use unibooks::domain::references::{
    Account, AccountingPeriod, Classification, CompanyInfo, Contact, ContactAddress, Invoice, InvoiceKind, InvoiceLine,
    InvoiceStatus, PeriodStatus, Resource, TrackingCategory,
};
use unibooks::domain::{AccountingDate, ReferenceId, RemoteId};
use uuid::Uuid;

use super::app::{App, Tenant};

/// The path of a resource.
pub fn path(resource: Resource) -> &'static str {
    match resource {
        Resource::CompanyInfo => "/accounting/companyinfos",
        Resource::Account => "/accounting/accounts",
        Resource::Contact => "/accounting/contacts",
        Resource::TrackingCategory => "/accounting/trackingcategories",
        Resource::AccountingPeriod => "/accounting/accountingperiods",
        Resource::Invoice => "/accounting/invoices",
    }
}

/// The id of an object of a tenant.
pub fn id(tenant: &Tenant, resource: Resource, remote_id: &str) -> Uuid {
    resource.id(tenant.connection_id, &remote_id.parse::<RemoteId>().expect("a remote id")).0
}

/// Two values of each member that lists filter by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    One,
    Other,
}

/// An object with every member set. All texts contain `mark`.
pub fn sample(resource: Resource, side: Side, mark: &str) -> Value {
    let text = |name: &str| Some(format!("{name} {mark}"));
    let link = |n: u128| ReferenceId(Uuid::from_u128(n + if side == Side::One { 0 } else { 1_000 }));
    let date = |day| NaiveDate::from_ymd_opt(2026, 11, day).map(AccountingDate);
    let amount = |units: i64| Some(units.try_into().expect("minor units"));
    let (usd, rate) = (Some("USD".parse().expect("a currency")), Some("1.20".parse().expect("a rate")));
    let is_one = side == Side::One;
    let members = match resource {
        Resource::CompanyInfo => serde_json::to_value(CompanyInfo {
            name: text("name"),
            legal_name: text("legal name"),
            tax_number: text("tax number"),
            fiscal_year_end_month: Some(4),
            fiscal_year_end_day: Some(30),
            currency: usd,
            urls: vec![format!("https://{mark}.example")],
            tracking_categories: vec![link(1)],
            locked_until: date(1),
            remote_created_at: Some("2026-01-02T03:04:05Z".parse().expect("a time")),
        }),
        Resource::Account => serde_json::to_value(Account {
            name: text("name"),
            description: text("description"),
            classification: Some(if is_one { Classification::Asset } else { Classification::Expense }),
            kind: text("kind"),
            status: Some("Active".to_owned()),
            current_balance: amount(-4_200),
            currency: usd,
            account_number: Some("0100".to_owned()),
            parent_account: Some(link(2)),
            company_info_id: Some(link(3)),
            is_payment_account: is_one,
        }),
        Resource::Contact => serde_json::to_value(Contact {
            name: text("name"),
            is_customer: Some(true),
            is_supplier: Some(false),
            email_address: text("mail"),
            tax_number: text("tax number"),
            status: Some("Active".to_owned()),
            currency: usd,
            company_info_id: Some(link(4)),
            addresses: vec![ContactAddress {
                street: text("street"),
                city: text("city"),
                postal_code: Some("01234".to_owned()),
                country: Some("DE".to_owned()),
            }],
            phone_numbers: vec!["+49 1".to_owned()],
        }),
        Resource::TrackingCategory => serde_json::to_value(TrackingCategory {
            name: text("name"),
            status: Some("Active".to_owned()),
            category_type: text("kind"),
            parent_category: Some(link(5)),
        }),
        Resource::AccountingPeriod => serde_json::to_value(AccountingPeriod {
            name: text("name"),
            status: Some(PeriodStatus::Open),
            start_date: date(1),
            end_date: date(30),
        }),
        Resource::Invoice => serde_json::to_value(Invoice {
            kind: Some(if is_one { InvoiceKind::AccountsReceivable } else { InvoiceKind::AccountsPayable }),
            number: text("number"),
            memo: text("memo"),
            issue_date: date(2),
            due_date: date(3),
            paid_on_date: date(4),
            contact_id: Some(link(6)),
            currency: usd,
            exchange_rate: rate,
            sub_total: amount(90),
            total_discount: amount(5),
            total_tax_amount: amount(10),
            total_amount: amount(100),
            balance: amount(60),
            status: Some(if is_one { InvoiceStatus::Open } else { InvoiceStatus::Paid }),
            accounting_period_id: Some(link(7)),
            tracking_categories: vec![link(8)],
            line_items: vec![InvoiceLine {
                name: text("line"),
                value: amount(90),
                remote_id: Some("7".to_owned()),
                description: text("line"),
                quantity: Some(serde_json::from_str("1.50").expect("a quantity")),
                unit_price: amount(60),
                total_amount: amount(90),
                account_id: Some(link(9)),
                tracking_categories: vec![link(10)],
            }],
        }),
    };
    members.expect("JSON")
}

/// Stores an object, as sync does, and returns its id. The record has the remote id; the position is the remote id, too.
pub async fn store(app: &App, tenant: &Tenant, resource: Resource, remote_id: &str, members: &Value) -> Uuid {
    let id = id(tenant, resource, remote_id);
    sqlx::query(
        "insert into reference
         values ($1, $2, $3, $4, $4, 'stamp', $5, $6, '2026-11-01Z', false, clock_timestamp(), clock_timestamp())",
    )
    .bind(tenant.connection_id.0)
    .bind(id)
    .bind(resource.as_str())
    .bind(remote_id)
    .bind(members)
    .bind(json!({ "record": remote_id }))
    .execute(&mut app.connect().await)
    .await
    .expect("stored");
    id
}

/// Stores invoices 1 to `count`, a millisecond apart. Those in `rare` are open and of contact …02, the others paid and of
/// contact …01. The number of each is `INV-<number>`.
pub async fn invoices(app: &App, tenant: &Tenant, count: i64, rare: &[i64]) {
    sqlx::query(
        "insert into reference
         select $1, md5($1::text || n)::uuid, 'invoice', n::text, lpad(n::text, 12, '0'), 'stamp',
                json_build_object('type', 'ACCOUNTS_RECEIVABLE', 'number', 'INV-' || n, 'tracking_categories', '{}'::int[],
                    'line_items', '{}'::int[], 'status', case when n = any ($3) then 'Open' else 'Paid' end,
                    'contact_id', lpad(case when n = any ($3) then '2' else '1' end, 32, '0')::uuid),
                '{}', at, false, at, at
         from generate_series(1::bigint, $2) n,
              lateral (select timestamptz '2026-01-01Z' + n * interval '1 millisecond' as at) of_number",
    )
    .bind(tenant.connection_id.0)
    .bind(count)
    .bind(rare)
    .execute(&mut app.connect().await)
    .await
    .expect("stored");
}
