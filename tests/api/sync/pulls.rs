//! A pull makes what is stored equal to what the software has.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use unibooks::connectors::Error;
use unibooks::domain::references::Resource;

use super::{connected, names, objects};
use crate::support::app::{CredentialOptions, Tenant};
use crate::support::software::{Books, Call, connect, pull_once};

const INVOICE: Resource = Resource::Invoice;

#[tokio::test]
async fn every_resource_is_read_in_pages() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    for &resource in Resource::ALL {
        for number in 1..=7 {
            books.put(resource, number, 1, &format!("{number}"));
        }
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    for &resource in Resource::ALL {
        assert_eq!(names(&app, &tenant, resource).await, ["1", "2", "3", "4", "5", "6", "7"], "{resource:?}");
        let first = &objects(&app, &tenant, resource).await[0];
        let remote_id = first["remote_id"].as_str().expect("a remote id").to_owned();
        assert_eq!(first["id"], json!(resource.id(tenant.connection_id, &remote_id.parse().expect("good")).0));
        assert_eq!(
            first["remote_data"],
            json!({ "id": remote_id.parse::<u64>().expect("a number"), "name": remote_id })
        );
    }
}

#[tokio::test]
async fn pull_that_finds_no_change_reads_and_writes_no_object() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    for number in 1..=7 {
        books.put(INVOICE, number, 1, "same");
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    let before = objects(&app, &tenant, INVOICE).await;
    books.calls();
    pull_once(&app, &tenant, &books).await.expect("complete");
    let asks_for_keys = |call: &Call| matches!(call, Call::Keys(..) | Call::PaymentKeys(..));
    assert!(books.calls().iter().all(asks_for_keys), "only keys are asked for");
    assert_eq!(objects(&app, &tenant, INVOICE).await, before);
}

#[tokio::test]
async fn modified_at_moves_with_the_object_and_never_otherwise() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    for number in 1..=5 {
        books.put(INVOICE, number, 1, "first");
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    let before = objects(&app, &tenant, INVOICE).await;
    books.put(INVOICE, 2, 2, "second");
    // The stamp moves, and nothing else does.
    books.put(INVOICE, 4, 2, "first");
    books.calls();
    pull_once(&app, &tenant, &books).await.expect("complete");
    let read = books.calls().into_iter().filter(|call| matches!(call, Call::Objects(..))).collect::<Vec<_>>();
    assert_eq!(read, [Call::Objects(INVOICE, 1), Call::Objects(INVOICE, 1)]);
    for (old, new) in before.iter().zip(objects(&app, &tenant, INVOICE).await) {
        let is_changed = old["remote_id"] == "2";
        assert_eq!(new["number"] == "second", is_changed);
        assert_eq!(new["modified_at"] != old["modified_at"], is_changed, "{new}");
        assert_eq!(new["created_at"], old["created_at"]);
    }
}

/// In the software the stamp is that of the transaction's start: what was committed late has an older stamp than what
/// was read before, and a key in the middle.
#[tokio::test]
async fn object_that_was_committed_late_is_found() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    for number in [1, 2, 4, 5] {
        books.put(INVOICE, number, 100 + number, &number.to_string());
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    books.put(INVOICE, 3, 50, "3");
    books.put(INVOICE, 1, 49, "late");
    pull_once(&app, &tenant, &books).await.expect("complete");
    assert_eq!(names(&app, &tenant, INVOICE).await, ["2", "3", "4", "5", "late"]);
}

#[tokio::test]
async fn object_that_is_gone_is_kept_and_may_come_back() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    for number in 1..=7 {
        books.put(INVOICE, number, 1, &number.to_string());
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    let before = objects(&app, &tenant, INVOICE).await;
    // At the beginning, between two pages, and at the end.
    for number in [1, 3, 4, 7] {
        books.remove(INVOICE, number);
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    assert_eq!(names(&app, &tenant, INVOICE).await, ["(1)", "(3)", "(4)", "(7)", "2", "5", "6"]);
    let gone = objects(&app, &tenant, INVOICE).await;
    for (old, new) in before.iter().zip(&gone) {
        assert_eq!(old["modified_at"] != new["modified_at"], new["remote_was_deleted"] == true);
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    assert_eq!(objects(&app, &tenant, INVOICE).await, gone, "gone once");
    books.put(INVOICE, 3, 1, "3");
    pull_once(&app, &tenant, &books).await.expect("complete");
    assert_eq!(names(&app, &tenant, INVOICE).await, ["(1)", "(4)", "(7)", "2", "3", "5", "6"]);
    for &resource in &Resource::ALL[..5] {
        assert_eq!(names(&app, &tenant, resource).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn any_number_of_objects_may_be_gone_at_once() {
    let (app, tenant) = connected().await;
    let books = Books::with_pages_of(1_000);
    for number in 1..=2_500 {
        books.put(INVOICE, number, 1, "x");
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    pull_once(&app, &tenant, &Books::default()).await.expect("complete");
    let left: i64 = sqlx::query_scalar("select count(*) from reference where not remote_was_deleted")
        .fetch_one(&mut app.connect().await)
        .await
        .expect("a count");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn another_connection_with_the_same_keys_is_left_alone() {
    let (app, tenant) = connected().await;
    let (connection_id, connection_token) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    let other = Tenant { connection_id, connection_token, ..tenant.clone() };
    connect(&app, &other).await;
    let (mine, theirs) = (Books::default(), Books::default());
    for number in 1..=4 {
        mine.put(INVOICE, number, 1, "mine");
        theirs.put(INVOICE, number, 1, "theirs");
    }
    pull_once(&app, &other, &theirs).await.expect("complete");
    let before = objects(&app, &other, INVOICE).await;
    pull_once(&app, &tenant, &mine).await.expect("complete");
    mine.remove(INVOICE, 2);
    mine.put(INVOICE, 3, 2, "changed");
    pull_once(&app, &tenant, &mine).await.expect("complete");
    assert_eq!(objects(&app, &other, INVOICE).await, before);
    assert_eq!(names(&app, &tenant, INVOICE).await, ["(mine)", "changed", "mine", "mine"]);
}

/// A key that the software gives twice, or out of order, would make a pull without end, or objects that seem gone.
#[tokio::test]
async fn software_that_answers_nonsense_makes_no_object_gone() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    for number in 1..=4 {
        books.put(INVOICE, number, 1, &number.to_string());
    }
    pull_once(&app, &tenant, &books).await.expect("complete");
    let before = objects(&app, &tenant, INVOICE).await;
    books.plan(|call| match call {
        Call::Keys(INVOICE, Some(_)) => Err(Error::Protocol("half of an answer".to_owned())),
        _ => Ok(()),
    });
    pull_once(&app, &tenant, &books).await.expect("the other resources are complete");
    assert_eq!(objects(&app, &tenant, INVOICE).await, before);
}

#[tokio::test]
async fn text_with_nul_is_stored_without_it() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    books.put(INVOICE, 1, 1, "a\0b\\u0000");
    books.put(INVOICE, 2, 1, &"ü".repeat(5_000));
    pull_once(&app, &tenant, &books).await.expect("complete");
    let read = objects(&app, &tenant, INVOICE).await;
    let numbers: Vec<_> = read.iter().map(|object| object["number"].as_str().expect("a text").to_owned()).collect();
    assert!(numbers.contains(&"ab\\u0000".to_owned()) && numbers.contains(&"ü".repeat(5_000)));
    let found = app.get(&tenant, "/accounting/invoices?number=ab%5Cu0000").await.json();
    assert_eq!(found["data"].as_array().map(Vec::len), Some(1));
}

/// Any changes, then a pull: what is answered is what the software has, and everything else is gone.
#[tokio::test(flavor = "multi_thread")]
async fn pulls_equal_the_books_after_any_changes() {
    let (app, tenant) = connected().await;
    let books = Books::default();
    let changes = prop::collection::vec((1..12u64, prop::option::of(0..3u64)), 0..12);
    let handle = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let model = std::cell::RefCell::new(std::collections::BTreeMap::new());
    let stamp = std::cell::Cell::new(0);
    let run = runner.run(&changes, |changes| {
        for (number, name) in changes {
            let mut model = model.borrow_mut();
            match name {
                Some(name) => {
                    stamp.set(stamp.get() + 1);
                    books.put(INVOICE, number, stamp.get(), &name.to_string());
                    model.insert(number, name.to_string());
                }
                None if model.get(&number).is_some_and(|name| !name.starts_with('(')) => {
                    books.remove(INVOICE, number);
                    let name = format!("({})", model[&number]);
                    model.insert(number, name);
                }
                None => {}
            }
        }
        let found = tokio::task::block_in_place(|| {
            handle.block_on(async {
                pull_once(&app, &tenant, &books).await.expect("complete");
                names(&app, &tenant, INVOICE).await
            })
        });
        let mut wanted: Vec<_> = model.borrow().values().cloned().collect();
        wanted.sort();
        // What came and went between two pulls was never seen.
        let seen: Vec<_> = wanted.iter().filter(|name| !name.starts_with('(')).cloned().collect();
        let there: Vec<_> = found.iter().filter(|name| !name.starts_with('(')).cloned().collect();
        prop_assert_eq!(there, seen);
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
}
