//! A body in the shape of another API is refused. It would be stored as an empty payment that cannot be deleted.

use serde_json::{Value, json};

use crate::support::app::{Answer, App, page_example};

/// The places of the faults in a refusal, and its details.
#[track_caller]
fn refused(answer: &Answer) -> (Vec<String>, String) {
    assert_eq!(answer.problem(), (422, "invalid_body".to_owned()), "{}", answer.text);
    let faults = answer.faults();
    assert!(faults.iter().all(|(_, code)| code == "no_known_member"), "{}", answer.text);
    let details =
        answer.json()["errors"].as_array().expect("faults").iter().map(|fault| fault["detail"].to_string()).collect();
    (faults.into_iter().map(|(place, _)| place).collect(), details)
}

#[tokio::test]
async fn body_without_a_known_member_is_refused() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for (body, nearest) in [
        (json!({ "model": page_example() }), "`model`"),
        (json!({ "Payments": [page_example()] }), "`Payments`"),
        (json!({ "TotalAmt": 25.0 }), "`TotalAmt` (did you mean `total_amount`?)"),
        (json!({ "totalAmount": 4999 }), "`totalAmount` (did you mean `total_amount`?)"),
        (json!({ "foo": null }), "`foo`"),
        (json!({ "a": 1, "b": 2, "c": 3, "d": 4, "e": 5 }), "`a`, `b`, `c` and 2 more; known members: invoice_id, "),
        (json!({ "": 1 }), "``"),
    ] {
        let (places, details) = refused(&app.create(&tenant, &body).await);
        assert_eq!(places, [""], "{body}");
        assert!(details.contains(nearest), "{body}: {details}");
    }
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn line_item_without_a_known_member_is_refused() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let body =
        json!({ "total_amount": 1, "line_items": [{}, { "Amount": 1 }, { "vaule": 1 }, { "value": 1, "x": 1 }] });
    let (places, details) = refused(&app.create(&tenant, &body).await);
    assert_eq!(places, ["/line_items/1", "/line_items/2"]);
    assert!(details.contains("did you mean `value`?"), "{details}");
    assert!(!details.contains("known members"), "{details}");
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn empty_objects_and_nulls_are_accepted() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let members = page_example();
    let nulls: Value = members.as_object().expect("members").keys().map(|name| (name.clone(), Value::Null)).collect();
    for body in [json!({}), nulls, json!({ "currency": null, "x": 1 }), json!({ "line_items": [{}, { "name": null }] })]
    {
        assert_eq!(app.create(&tenant, &body).await.status, 201, "{body}");
    }
}
