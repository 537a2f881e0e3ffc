//! What can be stored can be read and found, as it was sent; what cannot be stored is refused before the database is
//! asked.

use axum::http::Uri;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use unibooks::domain::IdempotencyKey;

use crate::support::app::{Answer, App, PAYMENTS, Tenant, small_payment};

/// Members that are free text, of a payment and of its line items.
const ITEM_TEXTS: &[&str] = &["name", "type", "parent_item", "remote_id", "related_object_type"];
const IDS: &[&str] = &["invoice_id", "contact_id", "account_id", "company_info_id", "accounting_period_id"];
const ITEM_IDS: &[&str] = &["company_info_id", "related_object_id"];
const ITEM_DATES: &[&str] = &["remote_generated_at", "created_at", "modified_at", "applied_date"];
const ITEM_AMOUNTS: &[&str] = &["value", "applied_amount"];
/// Filters whose value is a member's.
const FILTERS: &[&str] = &["invoice_id", "contact_id", "account_id", "currency", "type"];

/// A member of a payment or of its only line item, with a value as JSON text.
#[derive(Debug, Clone)]
struct Member {
    name: &'static str,
    of_item: bool,
    value: String,
}

impl Member {
    fn body(&self) -> String {
        let object = format!(r#"{{"{}":{}}}"#, self.name, self.value);
        if self.of_item { format!(r#"{{"line_items":[{object}]}}"#) } else { object }
    }

    fn of<'a>(&self, payment: &'a Value) -> &'a Value {
        if self.of_item { &payment["line_items"][0][self.name] } else { &payment[self.name] }
    }
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{0,20}",
        4 => "[ +%&#\"\\\\=;?/~a\u{0}\u{7f}\u{fffd}\u{ffff}]{0,8}",
        2 => vec(any::<char>(), 0..20).prop_map(String::from_iter),
        1 => select(vec!["🦀", "\u{fffd}", "+", "x"]).prop_flat_map(|character| {
            (1_020..1_026usize).prop_map(move |count| character.repeat(count))
        }),
    ]
}

fn ids() -> impl Strategy<Value = String> {
    "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
}

fn rates() -> impl Strategy<Value = String> {
    prop_oneof!["0{0,28}[0-9]{1,29}", "[0-9]{1,16}\\.[0-9]{1,16}", "[0-9]{27,29}(\\.[0-9]{1,3})?"]
}

fn dates() -> impl Strategy<Value = String> {
    let offset = "(Z|[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]|)";
    let year = "(0000|0001|1969|2024|9999|[0-9]{4})";
    let time = format!("{year}-(01|02|06|12)-(01|28|29|31)T(00|12|23):(00|59):(00|59|60)(\\.[0-9]{{1,9}})?{offset}");
    prop_oneof![
        3 => proptest::string::string_regex(&time).expect("an expression"),
        1 => proptest::string::string_regex(&format!("{year}-[01][0-9]-[0-3][0-9]")).expect("an expression"),
    ]
}

fn amounts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|units| units.to_string()),
        (-9_007_199_254_740_993i64..=9_007_199_254_740_993).prop_map(|units| format!("{units}.0")),
        select(vec![9_007_199_254_740_991i64, 9_007_199_254_740_992]).prop_map(|units| units.to_string()),
        "-?[1-9][0-9]{0,3}e[0-9]{1,2}",
    ]
}

fn field_mappings() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?(e[+-]?[0-9]{1,2})?";
    let leaf = prop_oneof![texts().prop_map(|text| json!(text).to_string()), number.boxed(), Just("null".to_owned())];
    let values = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            (texts(), inner).prop_map(|(name, value)| format!("{{{}:{value}}}", json!(name))),
        ]
    });
    (texts(), values).prop_map(|(name, value)| format!("{{{}:{value}}}", json!(name)))
}

/// Every member with a value that it may take, or nearly.
fn members() -> impl Strategy<Value = Member> {
    let quoted = |text: String| json!(text).to_string();
    let of = |names: &'static [&'static str], of_item, values: BoxedStrategy<String>| {
        (select(names), values).prop_map(move |(name, value)| Member { name, of_item, value })
    };
    let list = vec(ids(), 0..4).prop_map(|ids| json!(ids).to_string());
    prop_oneof![
        4 => of(&["type"], false, texts().prop_map(quoted).boxed()),
        4 => of(ITEM_TEXTS, true, texts().prop_map(quoted).boxed()),
        2 => of(IDS, false, ids().prop_map(quoted).boxed()),
        2 => of(ITEM_IDS, true, ids().prop_map(quoted).boxed()),
        1 => of(&["tracking_categories"], false, list.boxed()),
        2 => of(&["currency"], false, prop_oneof!["[A-Za-z]{3}", "[Ee]ur|dem|ANG|Hrk|ZWL|XTS"].prop_map(quoted).boxed()),
        4 => of(&["exchange_rate"], false, rates().prop_map(quoted).boxed()),
        2 => of(&["total_amount"], false, amounts().boxed()),
        2 => of(ITEM_AMOUNTS, true, amounts().boxed()),
        4 => of(&["transaction_date"], false, dates().prop_map(quoted).boxed()),
        4 => of(ITEM_DATES, true, dates().prop_map(quoted).boxed()),
        4 => of(&["field_mappings"], false, field_mappings().boxed()),
    ]
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The only payment of a list.
fn the_only(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let page = answer.json();
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1), "{}", answer.text);
    page["data"][0].clone()
}

/// Runs `test` with many values against one server.
fn check<T: std::fmt::Debug>(cases: u32, values: impl Strategy<Value = T>, test: &impl AsyncFn(&App, &Tenant, T)) {
    let runtime = Runtime::new().expect("a runtime");
    let app = runtime.block_on(App::new());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&values, |value| {
        runtime.block_on(async {
            // A tenant for each, so that a filter finds one payment or none.
            let tenant = app.tenant().await;
            test(&app, &tenant, value).await;
        });
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn what_is_stored_is_found_and_the_rest_refused_by_name() {
    check(600, members(), &async |app, tenant, member| {
        let created = app.create_with(tenant, &[], member.body()).await;
        if created.status != 201 {
            assert_eq!(created.problem(), (422, "invalid_body".to_owned()), "{member:?}");
            let late = created.faults().into_iter().find(|(_, code)| code == "refused_by_constraint");
            assert_eq!(late, None, "only the database refused {member:?}");
            return;
        }
        let mut payment = created.json();
        payment.as_object_mut().expect("an object").remove("warnings");
        let read = app.get(tenant, created.header("location")).await;
        assert_eq!(read.json(), payment, "{member:?}");
        let (sent, kept) = (serde_json::from_str::<Value>(&member.value), member.of(&payment));
        match (sent.ok(), member.name) {
            (Some(Value::String(sent)), "currency") => assert_eq!(*kept, sent.to_uppercase()),
            (Some(Value::String(sent)), name) if name.ends_with("_id") && name != "remote_id" => {
                assert_eq!(*kept, sent.to_lowercase());
            }
            // A date may be written in another way.
            (Some(Value::String(sent)), name) if !name.ends_with("_at") && !name.ends_with("_date") => {
                assert_eq!(*kept, sent);
            }
            _ => assert_ne!(*kept, Value::Null, "{member:?}"),
        }
        if FILTERS.contains(&member.name) && !member.of_item {
            let value = encoded(kept.as_str().expect("a text"));
            let found = app.get(tenant, &format!("{PAYMENTS}?{}={value}", member.name)).await;
            assert_eq!(the_only(&found), payment, "{member:?}");
        }
    });
}

/// A key as a client may write it into the header.
fn written_keys() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,3}[+% \"\\\\&#=]{0,2}[a-z0-9]{0,3}",
        "[ -~]{1,12}",
        "[ -~]{255}",
        "[ -~]{1,12}".prop_map(|key| format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))),
    ]
}

#[test]
fn a_key_is_found_as_the_header_had_it_and_no_other() {
    check(200, written_keys(), &async |app, tenant, written| {
        let created = app.create_under(tenant, &written, &small_payment()).await;
        let Ok(key) = written.parse::<IdempotencyKey>() else {
            assert_eq!(created.problem(), (400, "invalid_idempotency_key".to_owned()), "{written}");
            return;
        };
        assert_eq!(created.status, 201, "{written}: {}", created.text);
        let path = format!("{PAYMENTS}?idempotency_key={}", encoded(&written));
        let found = app.get(tenant, &path).await;
        assert_eq!(the_only(&found), created.json(), "{written}");
        assert_eq!(found.header("idempotency-key").parse().as_ref(), Ok(&key), "{written}");

        // A client that does not encode: refused, or answered about the key that the answer names.
        let raw = format!("{PAYMENTS}?idempotency_key={written}");
        if raw.parse::<Uri>().is_err() {
            return;
        }
        let answer = app.get(tenant, &raw).await;
        match answer.status.as_u16() {
            422 => {}
            200 if answer.header("idempotency-key").parse().as_ref() == Ok(&key) => {
                assert_eq!(the_only(&answer), created.json(), "{written}");
            }
            200 => assert!(!answer.header("idempotency-key").is_empty(), "{written}"),
            _ => panic!("{written}: {}", answer.text),
        }
    });
}

#[tokio::test]
async fn exact_filters_refuse_what_is_not_percent_encoded() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for name in ["idempotency_key", "remote_id"] {
        for value in ["a+b", "+", "100%", "a%2", "a%zz", "%%41"] {
            let answer = app.get(&tenant, &format!("{PAYMENTS}?{name}={value}")).await;
            assert_eq!(answer.faults(), [(name.to_owned(), "not_percent_encoded".to_owned())], "{value}");
        }
        for value in ["a%2Bb", "a%20b", "100%25", "a"] {
            assert_eq!(app.get(&tenant, &format!("{PAYMENTS}?{name}={value}")).await.json()["data"], json!([]));
        }
    }
}

#[tokio::test]
async fn a_plus_in_a_type_is_a_blank_unless_encoded() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for text in ["Credit Card", "Credit+Card"] {
        assert_eq!(app.create(&tenant, &json!({ "type": text })).await.status, 201);
    }
    for (written, text) in [("Credit+Card", "Credit Card"), ("Credit%2BCard", "Credit+Card")] {
        let found = app.get(&tenant, &format!("{PAYMENTS}?type={written}")).await;
        assert_eq!(the_only(&found)["type"], text);
    }
}
