//! What ERPNext refuses, and what is refused before it is asked.

use unibooks::connectors::{Error, PaymentOrder};

use super::books::{Books, new_key, prepare, provider};

#[tokio::test]
async fn check_says_company_and_version_and_misses_nothing() {
    let Some(books) = Books::open() else { return };
    let info = books.connector().check().await.expect("a check");
    assert!(info.version.starts_with("15."), "{info:?}");
    assert_eq!((info.company.remote_id.as_str(), info.company.currency.code()), (books.company.as_str(), "USD"));
    assert!(info.missing.is_empty() && !info.needs_setup, "{info:?}");
    books.connector().setup().await.expect("nothing to set up");
}

#[tokio::test]
async fn wrong_credentials_are_unauthorized() {
    let Some(books) = Books::open() else { return };
    for (key, secret) in [("wrong", "wrong"), ("", ""), ("a\nb", "c")] {
        let refused = books.connector_as(key, secret, Some(&books.company)).check().await;
        let Err(Error::Unauthorized(text)) = refused else { panic!("{refused:?}") };
        assert!(!text.contains("Traceback"), "{text}");
    }
}

#[tokio::test]
async fn company_that_does_not_exist_is_answered_with_the_names() {
    let Some(books) = Books::open() else { return };
    let refused = books.connector_of("No such company").check().await;
    let Err(Error::Choose { option, names }) = refused else { panic!("{refused:?}") };
    assert!(option == "--company" && names.contains(&books.company), "{names:?}");
}

#[tokio::test]
async fn refused_payment_has_the_text_of_the_software() {
    let Some(books) = Books::open() else { return };
    let connector = books.connector();
    let refused = async |order: &PaymentOrder| match connector.create(&prepare(order), None).await {
        Err(Error::Rejected(faults)) => faults,
        other => panic!("{other:?}"),
    };

    let invoice = books.sales_invoice("Acme Customer", "5").await;
    let id = invoice.remote_id.as_str().to_owned();
    let faults = refused(&books.order(600, "USD", vec![(invoice, 600)]).await).await;
    assert!(faults[0].detail.contains("Allocated Amount cannot be greater than outstanding amount"), "{faults:?}");

    let invoice = books.invoice(&id, "/invoice_id").await;
    let mut order = books.order(500, "USD", vec![(invoice, 500)]).await;
    order.date = "2010-01-01".parse().expect("a date");
    let faults = refused(&order).await;
    assert!(faults[0].pointer == "/transaction_date" && faults[0].detail.contains("Fiscal Year"), "{faults:?}");
    for fault in faults {
        assert!(!fault.detail.contains("Traceback") && !fault.detail.contains('<'), "{fault:?}");
    }
}

#[tokio::test]
async fn payment_that_cannot_be_booked_is_refused_before_it_is_sent() {
    let Some(books) = Books::open() else { return };
    let (usd, eur) = (books.sales_invoice("Acme Customer", "5").await, books.sales_invoice("Euro Customer", "5").await);
    let fault = |order: &PaymentOrder| {
        let faults = provider().prepare(order, &new_key()).expect_err("a fault");
        assert_eq!(faults.len(), 1, "{faults:?}");
        (faults[0].pointer.clone(), faults[0].code.clone())
    };
    let is = |found: (String, String), pointer: &str, code: &str| assert_eq!(found, (pointer.into(), code.into()));

    // The payment is in another currency than the account of the invoice.
    is(fault(&books.order(500, "USD", vec![(eur.clone(), 500)]).await), "/currency", "currency_mismatch");

    let mut order = books.order(500, "EUR", vec![(eur.clone(), 500)]).await;
    order.account = books.bank("USD").await;
    is(fault(&order), "/exchange_rate", "required");
    order.exchange_rate = Some("1.1234567891".parse().expect("a rate"));
    is(fault(&order), "/exchange_rate", "too_many_digits");

    let mut order = books.order(500, "USD", vec![(usd.clone(), 500)]).await;
    order.exchange_rate = Some("1.2".parse().expect("a rate"));
    is(fault(&order), "/exchange_rate", "out_of_range");
    order.exchange_rate = None;
    order.account = books.bank("EUR").await;
    is(fault(&order), "/account_id", "currency_mismatch");

    order.account = books.bank("USD").await;
    order.account.fields.is_payment_account = false;
    is(fault(&order), "/account_id", "not_a_payment_account");

    let order = books.order(500, "USD", Vec::new()).await;
    is(fault(&order), "/contact_id", "required");
    let order = books.order(100_000_000_000_000, "USD", vec![(usd, 500)]).await;
    is(fault(&order), "/total_amount", "out_of_range");
}
