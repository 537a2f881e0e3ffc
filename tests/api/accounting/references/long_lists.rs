//! Lists with more objects than one call scans, and with large ones.

use serde_json::json;
use unibooks::domain::references::Resource;

use super::list::{page, remote_ids, walk};
use crate::support::app::App;
use crate::support::references::{invoices, store};

/// Around the ends of one call's scan of 10,000 invoices, in both directions.
const RARE: &[i64] = &[1, 2, 9_999, 10_000, 10_001, 10_002, 20_003, 24_999];
const COUNT: i64 = 25_000;

#[tokio::test]
async fn rare_matches_are_visited_once_in_both_directions() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    invoices(&app, &tenant, COUNT, RARE).await;
    invoices(&app, &other, 100, &[1, 50]).await;
    let expected: Vec<_> = RARE.iter().map(ToString::to_string).collect();
    // The first has an index of its own. The others look at all invoices, in two orders.
    let filters =
        ["status=Open", "status=Open&modified_after=2025-01-01", "contact_id=00000000-0000-0000-0000-000000000002"];
    for filter in filters {
        for limit in [1, 3] {
            let query = format!("{filter}&limit={limit}");
            let (there, back) = walk(&app, &tenant, Resource::Invoice, &query, "next_cursor", None).await;
            assert_eq!(there.concat(), expected, "{query}");
            let (back, _) = walk(&app, &tenant, Resource::Invoice, &query, "prev_cursor", back.as_str()).await;
            let end = there.last().expect("a page").clone();
            let returned: Vec<_> = back.into_iter().rev().flatten().chain(end).collect();
            assert_eq!(returned, expected, "{query}");
        }
    }
}

#[tokio::test]
async fn page_without_a_match_leads_on() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    invoices(&app, &tenant, COUNT, RARE).await;
    let (pages, _) = walk(&app, &tenant, Resource::Invoice, "type=ACCOUNTS_PAYABLE", "next_cursor", None).await;
    assert_eq!(pages, vec![Vec::<String>::new(); 3], "25,000 invoices take three calls");
    // These have an index: their lists end at once.
    for query in ["status=Void", "number=INV-24998&type=ACCOUNTS_PAYABLE", "remote_id=24998&status=Open"] {
        let only = page(&app, &tenant, Resource::Invoice, query).await;
        assert_eq!((&only["data"], &only["next_cursor"]), (&json!([]), &json!(null)), "{query}");
    }
    assert_eq!(remote_ids(&page(&app, &tenant, Resource::Invoice, "number=INV-24998").await), ["24998"]);
}

#[tokio::test]
async fn page_ends_at_one_mebibyte() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let large = |bytes: usize| json!({ "name": "x".repeat(bytes) });
    for (remote_id, bytes) in [("1", 500_000), ("2", 500_000), ("3", 500_000), ("4", 2_000_000), ("5", 1)] {
        store(&app, &tenant, Resource::Contact, remote_id, &large(bytes)).await;
    }
    let (there, back) = walk(&app, &tenant, Resource::Contact, "limit=200", "next_cursor", None).await;
    assert_eq!(there, [vec!["1", "2"], vec!["3"], vec!["4"], vec!["5"]]);
    let (back, _) = walk(&app, &tenant, Resource::Contact, "limit=200", "prev_cursor", back.as_str()).await;
    assert_eq!(back, [vec!["4"], vec!["2", "3"], vec!["1"]]);

    // The software's own records count where they are asked for.
    sqlx::query("update reference set remote_data = json_build_object('a', repeat('x', 600000)), fields = '{}'")
        .execute(&mut app.connect().await)
        .await
        .expect("updated");
    assert_eq!(remote_ids(&page(&app, &tenant, Resource::Contact, "").await).len(), 5);
    assert_eq!(remote_ids(&page(&app, &tenant, Resource::Contact, "remote_data=true").await), ["1"]);
}
