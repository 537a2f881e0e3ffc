//! A refusal is little larger than the request, for any request.

use serde_json::json;

use crate::support::app::{Answer, App, PAYMENTS};

/// An answer has at most this many bytes more than its request.
const ALLOWANCE: usize = 24 * 1_024;

#[track_caller]
fn assert_bounded(answer: &Answer, sent: usize, what: &str) {
    assert_eq!(answer.status, 422, "{what}: {}", answer.text);
    let answered = answer.text.len();
    assert!(answered <= sent + ALLOWANCE, "{what}: {answered} bytes for {sent}");
    assert!(answer.faults().len() <= 100, "{what}: {} faults", answer.faults().len());
}

#[tokio::test]
async fn refusal_of_a_body_is_little_larger_than_the_body() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let items = |item: &str, count: usize| format!(r#"{{"line_items":[{}]}}"#, vec![item; count].join(","));
    let names = |count: usize, length: usize| (0..count).map(|n| format!("{n:0>length$}")).collect::<Vec<_>>();
    let twice = |name: &String| format!(r#""{name}":1,"{name}":1"#);
    let ids = vec!["1"; 100].join(",");
    let item_of_faults = r#"{"value":0.5,"applied_amount":0.5,"company_info_id":"","created_at":"","modified_at":""}"#;
    let long_names = names(500, 1_000).iter().map(twice).collect::<Vec<_>>().join(",");
    for (what, body) in [
        ("numbers for line items", items("1", 1_000)),
        ("a hundred numbers for line items", items("1", 100)),
        ("line items of a foreign shape", items(r#"{"a":1,"b":1,"c":1,"d":1}"#, 1_000)),
        ("line items of near names", items(r#"{"relatedobjecttype":1,"remotegeneratedat":1,"appliedamoun":1}"#, 1_000)),
        ("line items of many faults", items(item_of_faults, 1_000)),
        ("the same member very often", format!("{{{}}}", vec![r#""a":1"#; 100_000].join(","))),
        ("many members twice", format!("{{{}}}", names(5_000, 1).iter().map(twice).collect::<Vec<_>>().join(","))),
        ("long members twice", format!("{{{long_names}}}")),
        ("numbers for ids", format!(r#"{{"tracking_categories":[{ids}]}}"#)),
        ("a long name twice in custom fields", format!(r#"{{"field_mappings":{{{}}}}}"#, twice(&"x".repeat(30_000)))),
        ("one foreign member", json!({ "a": 1 }).to_string()),
        (
            "quotes in names",
            format!(
                "{{{}}}",
                (0..900).map(|n| format!(r#""{}{n}":1"#, r#"\""#.repeat(60))).collect::<Vec<_>>().join(",")
            ),
        ),
    ] {
        let sent = body.len();
        assert_bounded(&app.create_with(&tenant, &[], body).await, sent, what);
    }
}

#[tokio::test]
async fn refusal_of_a_query_is_little_larger_than_the_query() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let many = |count: usize, pair: fn(usize) -> String| (0..count).map(pair).collect::<Vec<_>>().join("&");
    for (what, query) in [
        ("unknown parameters", many(1_000, |n| format!("{n:x}"))),
        ("more of them", many(8_000, |n| format!("p{n}"))),
        ("near names", many(1_000, |n| format!("limit{n:x}"))),
        ("a repeated parameter", many(10_000, |_| "a=".to_owned())),
        ("a repeated known parameter", many(5_000, |_| "limit=1".to_owned())),
        ("repeated parameters", many(5_000, |n| format!("{:x}", n / 2))),
        ("long names", many(60, |n| format!("{n}{}", "x".repeat(1_000)))),
        ("control characters", many(100, |n| format!("{n}{}", "%01".repeat(62)))),
        ("what is not UTF-8", many(5_000, |n| format!("%FF{n}=%FF"))),
    ] {
        let answer = app.get(&tenant, &format!("{PAYMENTS}?{query}")).await;
        assert_bounded(&answer, query.len(), what);
        assert!(answer.text.matches("known parameters: ").count() <= 1, "{what}: names are listed once");
    }
}

#[tokio::test]
async fn refusal_has_the_number_of_all_faults() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let once = app.create_with(&tenant, &[], format!(r#"{{"type":"a",{}}}"#, vec![r#""a":1"#; 1_000].join(","))).await;
    assert_eq!(once.faults(), [("/a".to_owned(), "duplicate_member".to_owned())]);
    let query: Vec<_> = (0..5_000).map(|n| format!("p{n}=1")).collect();
    let answer = app.get(&tenant, &format!("{PAYMENTS}?{}", query.join("&"))).await;
    assert_eq!(answer.json()["detail"], "5000 errors; see `errors` for the first 100.");
    assert_eq!(answer.faults().len(), 100);
}
