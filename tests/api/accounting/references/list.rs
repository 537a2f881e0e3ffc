//! Lists of what payments refer to: order, pages, filters.

use serde_json::{Value, json};
use unibooks::domain::references::Resource;
use uuid::Uuid;

use crate::support::app::{App, Tenant};
use crate::support::references::{Side, path, sample, store};

pub async fn page(app: &App, tenant: &Tenant, resource: Resource, query: &str) -> Value {
    let answer = app.get(tenant, &format!("{}?{query}", path(resource))).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

/// The remote ids of a page.
pub fn remote_ids(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().expect("data").iter();
    data.map(|object| object["remote_id"].as_str().expect("a remote id").to_owned()).collect()
}

/// Each page of a list from a cursor on, as the remote ids on it, until the member `way` is null; with the last cursor
/// of the other way.
pub async fn walk(
    app: &App,
    tenant: &Tenant,
    resource: Resource,
    query: &str,
    way: &str,
    from: Option<&str>,
) -> (Vec<Vec<String>>, Value) {
    let other_way = if way == "next_cursor" { "prev_cursor" } else { "next_cursor" };
    let (mut pages, mut cursor) = (Vec::new(), from.map(str::to_owned));
    loop {
        let place = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let found = page(app, tenant, resource, &format!("{query}{place}")).await;
        pages.push(remote_ids(&found));
        assert!(pages.len() < 50, "the end is never reached");
        cursor = found[way].as_str().map(str::to_owned);
        if cursor.is_none() {
            return (pages, found[other_way].clone());
        }
    }
}

async fn five(app: &App, tenant: &Tenant, resource: Resource) -> Vec<String> {
    let remote_ids = ["e", "d", "c", "b", "a"].map(str::to_owned);
    for remote_id in &remote_ids {
        store(app, tenant, resource, remote_id, &sample(resource, Side::One, remote_id)).await;
    }
    remote_ids.to_vec()
}

#[tokio::test]
async fn every_resource_is_paged_there_and_back() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for &resource in Resource::ALL {
        let made = five(&app, &tenant, resource).await;
        for (order, expected) in [("", made.clone()), ("&order=desc", made.iter().rev().cloned().collect::<Vec<_>>())] {
            let query = format!("limit=2.0{order}");
            let (there, back) = walk(&app, &tenant, resource, &query, "next_cursor", None).await;
            assert_eq!(there.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1], "{resource:?}{order}");
            assert_eq!(there.concat(), expected, "in the order of creation");
            let (back, _) = walk(&app, &tenant, resource, &query, "prev_cursor", back.as_str()).await;
            let returned: Vec<_> = back.into_iter().rev().flatten().chain(there[2].clone()).collect();
            assert_eq!(returned, expected, "{resource:?}{order}");
        }
    }
}

#[tokio::test]
async fn empty_list_has_no_cursors() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for &resource in Resource::ALL {
        let page = app.get(&tenant, path(resource)).await;
        assert_eq!(page.text, r#"{"prev_cursor":null,"next_cursor":null,"data":[]}"#);
    }
}

#[tokio::test]
async fn list_by_modified_at_begins_after_the_moment() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let made = five(&app, &tenant, Resource::Invoice).await;
    let mut connection = app.connect().await;
    // The order of changes is the reverse of that of creation; the first two change at one moment.
    for (day, remote_id) in [(5, "e"), (4, "d"), (3, "c"), (2, "b"), (2, "a")] {
        sqlx::query("update reference set modified_at = make_timestamptz(2026, 11, $1, 0, 0, 0) where remote_id = $2")
            .bind(day)
            .bind(remote_id)
            .execute(&mut connection)
            .await
            .expect("changed");
    }
    for (query, expected) in [
        ("modified_after=2026-11-02", vec!["c", "d", "e"]),
        ("modified_after=2026-11-02T00:00:00Z&order=desc", vec!["e", "d", "c"]),
        ("modified_after=2026-11-03&modified_before=2026-11-05", vec!["d"]),
        ("modified_after=2026-11-05", vec![]),
    ] {
        let found = remote_ids(&page(&app, &tenant, Resource::Invoice, query).await);
        assert_eq!(found, expected, "{query}");
    }
    let first = page(&app, &tenant, Resource::Invoice, "modified_before=2026-11-03").await;
    assert_eq!(remote_ids(&first).len(), 2, "both of one moment");
    let (all, _) =
        walk(&app, &tenant, Resource::Invoice, "limit=1&modified_after=2026-01-01", "next_cursor", None).await;
    assert_eq!(all.concat().len(), made.len(), "objects of one moment are not lost between pages");
}

#[tokio::test]
async fn filters_select_by_members() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for &resource in Resource::ALL {
        for (side, name) in [(Side::One, "one"), (Side::Other, "other")] {
            store(&app, &tenant, resource, name, &sample(resource, side, name)).await;
        }
    }
    sqlx::query("update reference set remote_updated_at = '2026-12-01Z' where remote_id = 'other'")
        .execute(&mut app.connect().await)
        .await
        .expect("updated");
    let contact = |n: u128| Uuid::from_u128(n);
    let of_contact = (format!("contact_id={}", contact(6)), format!("contact_id={}", contact(1_006)));
    let cases = [
        (Resource::Contact, "name=name%20one", "name=name+other"),
        (Resource::Invoice, "status=Open", "status=Paid"),
        (Resource::Invoice, "type=ACCOUNTS_RECEIVABLE", "type=ACCOUNTS_PAYABLE"),
        (Resource::Invoice, "number=number%20one", "number=number%20other"),
        (Resource::Invoice, &of_contact.0, &of_contact.1),
        (Resource::Account, "classification=Asset", "classification=Expense"),
        (Resource::Account, "type=kind%20one", "type=kind%20other"),
        (Resource::Account, "is_payment_account=true", "is_payment_account=false"),
    ];
    let of_all = Resource::ALL.iter().flat_map(|resource| {
        [
            (*resource, "remote_id=one", "remote_id=other"),
            (*resource, "remote_id=one", "remote_updated_after=2026-11-30"),
        ]
    });
    for (resource, one, other) in cases.into_iter().chain(of_all) {
        for (query, expected) in [(one, "one"), (other, "other")] {
            for order in ["asc", "desc"] {
                let query = format!("{query}&order={order}");
                assert_eq!(remote_ids(&page(&app, &tenant, resource, &query).await), [expected], "{query}");
            }
        }
    }
    let both = page(&app, &tenant, Resource::Invoice, "status=Open&type=ACCOUNTS_PAYABLE").await;
    assert_eq!(both["data"], json!([]), "all filters must hold");
}

#[tokio::test]
async fn wrong_values_of_filters_are_named() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for (path, place, code) in [
        ("invoices?status=open", "status", "unknown_value"),
        ("invoices?status=", "status", "unknown_value"),
        ("invoices?type=Sales", "type", "unknown_value"),
        ("invoices?contact_id=15", "contact_id", "invalid_uuid"),
        ("invoices?number=a+b", "number", "not_percent_encoded"),
        ("invoices?Status=Open", "Status", "unknown_parameter"),
        ("contacts?status=Active", "status", "unknown_parameter"),
        ("accounts?is_payment_account=1", "is_payment_account", "invalid_boolean"),
        ("accounts?modified_after=yesterday", "modified_after", "invalid_date_time"),
        ("accounts?remote_id=", "remote_id", "invalid_remote_id"),
        ("companyinfos?limit=201", "limit", "out_of_range"),
        ("trackingcategories?cursor=x", "cursor", "invalid_cursor"),
    ] {
        let answer = app.get(&tenant, &format!("/accounting/{path}")).await;
        assert_eq!(answer.problem(), (422, "invalid_query".to_owned()), "{path}");
        assert_eq!(answer.faults(), [(place.to_owned(), code.to_owned())], "{path}: {}", answer.text);
    }
    let answer = app.get(&tenant, "/accounting/invoices?status=Offen").await.text;
    assert!(answer.contains("expected one of `Draft`, `Open`, `PartiallyPaid`, `Paid`, `Void`"), "{answer}");
}

#[tokio::test]
async fn cursor_belongs_to_its_resource_filters_and_order() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for resource in [Resource::Invoice, Resource::Account] {
        five(&app, &tenant, resource).await;
    }
    let cursor = page(&app, &tenant, Resource::Invoice, "limit=1").await["next_cursor"].clone();
    let cursor = cursor.as_str().expect("a cursor");
    for path in
        ["invoices?order=desc", "invoices?status=Open", "invoices?modified_after=2026-01-01", "accounts?limit=1"]
    {
        let answer = app.get(&tenant, &format!("/accounting/{path}&cursor={cursor}")).await;
        assert_eq!(answer.faults(), [("cursor".to_owned(), "invalid_cursor".to_owned())], "{path}");
    }
}
