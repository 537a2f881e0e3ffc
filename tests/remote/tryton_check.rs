//! What the check of a connection to a real Tryton finds.

use unibooks::connectors::{Connector, Error, Target};

use crate::connected::{client, provider, target};
use crate::support::tryton::Tryton;

fn connect(target: Target) -> Box<dyn Connector> {
    provider().connect(target, client())
}

#[tokio::test]
async fn check_finds_version_company_and_nothing_missing() {
    let tryton = Tryton::shared().await;
    let info = connect(target(tryton)).check().await.expect("a check");
    assert_eq!(info.version, "8.0");
    assert_eq!((info.company.name.as_str(), info.company.currency.code()), ("Juniper Trading", "USD"));
    assert!(info.missing.is_empty() && !info.needs_setup, "{:?}", info.missing);
    let by_name = Target { company: "Juniper Trading".parse().ok(), ..target(tryton) };
    assert_eq!(connect(by_name).check().await.expect("a check").company, info.company);
    let url = tryton.url();
    let by_setting = Target { url, database: Some(tryton.database().to_owned()), ..target(tryton) };
    assert_eq!(connect(by_setting).check().await.expect("a check").company, info.company);
}

#[tokio::test]
async fn unknown_company_is_refused_with_the_list() {
    let tryton = Tryton::shared().await;
    let refused = connect(Target { company: "99".parse().ok(), ..target(tryton) }).check().await;
    let Err(Error::Choose { option, names }) = refused else { panic!("{refused:?}") };
    assert_eq!((option, names.len()), ("--company", 1));
    assert!(names[0].contains("Juniper Trading"), "{names:?}");
}

#[tokio::test]
async fn wrong_password_is_tried_once() {
    let tryton = Tryton::start().await;
    let wrong = connect(Target { secret: "wrong".into(), ..target(&tryton) });
    // Tryton would lock the user out at the sixth.
    for _ in 0..10 {
        let refused = wrong.check().await.expect_err("a refusal");
        assert!(matches!(refused, Error::Unauthorized(_)), "{refused}");
        assert!(!format!("{refused} {wrong:?}").contains(tryton.password()));
    }
    connect(target(&tryton)).check().await.expect("the right password still works");
}

#[tokio::test]
async fn too_many_wrong_passwords_are_a_lockout() {
    let tryton = Tryton::start().await;
    let wrong = || connect(Target { secret: "wrong".into(), ..target(&tryton) });
    let mut refused = wrong().check().await.expect_err("a refusal");
    for _ in 0..10 {
        if matches!(refused, Error::LockedOut { .. }) {
            return;
        }
        refused = wrong().check().await.expect_err("a refusal");
    }
    panic!("{refused}");
}

#[tokio::test]
async fn user_without_rights_hears_what_is_missing() {
    let tryton = Tryton::start().await;
    tryton
        .sql("delete from \"res_user-res_group\" where \"user\" in (select id from res_user where login = 'unified')")
        .await;
    let info = connect(target(&tryton)).check().await.expect("a check");
    assert!(info.missing.iter().any(|sentence| sentence.contains("group Accounting")), "{:?}", info.missing);
}

#[tokio::test]
async fn address_without_a_tryton_is_refused() {
    let tryton = Tryton::shared().await;
    let at = |url: String| connect(Target { url, ..target(tryton) });
    let nowhere = at("http://127.0.0.1:9/books".to_owned()).check().await.expect_err("no answer");
    assert!(matches!(nowhere, Error::Unavailable { .. }), "{nowhere}");
    let unknown = at(format!("{}/no_such_books", tryton.url())).check().await.expect_err("no database");
    assert!(matches!(unknown, Error::Unavailable { .. }), "{unknown}");
    let unnamed = at(tryton.url()).check().await.expect_err("no database is named");
    assert!(unnamed.to_string().contains("--database"), "{unnamed}");
}

#[tokio::test]
async fn session_that_ended_is_opened_again() {
    let mut tryton = Tryton::start().await;
    let connector = connect(target(&tryton));
    connector.check().await.expect("a check");
    tryton.sql("delete from ir_session").await;
    connector.check().await.expect("a check in a new session");
    tryton.kill();
    let away = connector.check().await.expect_err("it is away");
    assert!(matches!(away, Error::Unavailable { .. }), "{away}");
    tryton.restart().await;
    connector.check().await.expect("a check after the restart");
}
