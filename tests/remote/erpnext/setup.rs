//! The field for our key.

use serde_json::json;
use unibooks::connectors::Error;

use super::books::Books;

const FIELD: &str = "Payment Entry-unified_key";

/// Needs `&administrator=KEY:SECRET` of a System Manager in the variable, and the site for itself: meanwhile nothing
/// refuses a second payment.
#[tokio::test]
#[ignore = "changes the site for everybody; run it alone, with an administrator"]
async fn field_is_made_and_made_unique_by_an_administrator_only() {
    let Some(books) = Books::open() else { return };
    let (service, administrator) = (books.connector(), books.connector_of_administrator());
    let needs_setup = async || {
        let info = service.check().await.expect("a check");
        assert_eq!(info.needs_setup, info.missing.iter().any(|sentence| sentence.contains("unified_key")), "{info:?}");
        info.needs_setup
    };
    assert!(!needs_setup().await);
    for change in [
        ("frappe.client.delete", json!({"doctype": "Custom Field", "name": FIELD})),
        (
            "frappe.client.set_value",
            json!({"doctype": "Custom Field", "name": FIELD, "fieldname": "unique", "value": 0}),
        ),
    ] {
        books.administrate(change.0, &change.1).await;
        assert!(needs_setup().await, "{}", change.0);
        assert!(matches!(service.setup().await, Err(Error::Unauthorized(_))));
        administrator.setup().await.expect("the field");
        assert!(!needs_setup().await, "{}", change.0);
        administrator.setup().await.expect("once more");
    }
}
