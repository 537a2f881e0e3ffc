//! What holds for every input, whatever it is: the fuzz targets look for one that breaks it, and a test feeds the
//! corpora that they have gathered (tests/corpora.rs).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::value::RawValue;
use unibooks::accounting::payments::PaymentData;
use unibooks::accounting::payments::list::ListQuery;
use unibooks::accounting::payments::payment::IdempotencyClaim;
use unibooks::auth::{Secret, secret};
use unibooks::connectors::json::fingerprint;
use unibooks::connectors::tryton;
use unibooks::domain::IdempotencyKey;
use unibooks::domain::references::Resource;
use unibooks::http::problem::{Error, FieldErrors};
use unibooks::http::request::Limits;
use unibooks::http::request::cursor::UnverifiedCursor;
use unibooks::http::request::{json, query};

const LIMITS: Limits = Limits { max_body_bytes: 1 << 20, max_line_items: 1_000, body_timeout: Duration::from_secs(10) };

/// The members of a payment, written here once more.
const MEMBERS: &[&str] = &[
    "invoice_id",
    "transaction_date",
    "contact_id",
    "account_id",
    "currency",
    "exchange_rate",
    "total_amount",
    "type",
    "company_info_id",
    "accounting_period_id",
    "tracking_categories",
    "line_items",
    "field_mappings",
];

/// A body is accepted and means the same when it is written and read again, or it is refused with the place of every
/// fault. What is accepted and not empty has a member that is known.
pub fn body(bytes: &[u8]) {
    match json::parse::<PaymentData>(bytes, &LIMITS) {
        Ok(read) => {
            if let Ok(Value::Object(document)) = serde_json::from_slice::<Value>(bytes) {
                let is_known = |name: &String| MEMBERS.contains(&name.as_str());
                assert!(document.is_empty() || document.keys().any(is_known), "a foreign shape was accepted");
            }
            let written = serde_json::to_vec(&read.value).expect("a payment can be written");
            let again = json::parse::<PaymentData>(&written, &LIMITS).expect("what was written can be read").value;
            assert_eq!(again, read.value);
            let key: IdempotencyKey = "key".parse().expect("a key");
            let digest = |payment| IdempotencyClaim::new(key.clone(), payment, false).expect("a digest").digest;
            assert_eq!(digest(&again), digest(&read.value));
        }
        Err(Error::MalformedJson(detail)) => {
            assert!(
                bytes.is_empty() || serde_json::from_slice::<&serde_json::value::RawValue>(bytes).is_err(),
                "{detail}"
            );
        }
        Err(Error::InvalidBody(faults)) => {
            are_bounded(&faults, bytes.len());
            let faults = faults.listed;
            // Numbers that no float holds cannot be read here; their faults are found all the same.
            // Of members that stand twice, this reading keeps one.
            let is_plain = faults.iter().all(|fault| fault.code != "duplicate_member");
            let document = serde_json::from_slice::<Value>(bytes).ok().filter(|_| is_plain);
            for fault in faults {
                let pointer = fault.pointer.expect("a pointer");
                assert!(!fault.detail.is_empty() && !fault.code.is_empty());
                if let Some(document) = &document {
                    assert!(document.pointer(&pointer).is_some(), "{pointer} leads nowhere");
                }
            }
        }
        Err(other) => panic!("{other}"),
    }
}

/// A query is accepted or refused with the name of each parameter that is at fault.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match query::parse::<ListQuery>(text) {
        Ok(_) => {}
        Err(Error::InvalidQuery(faults)) => {
            are_bounded(&faults, bytes.len());
            let faults = faults.listed;
            assert!(faults.iter().all(|fault| fault.parameter.is_some() && !fault.detail.is_empty()));
        }
        Err(other) => panic!("{other}"),
    }
}

/// There are faults, at most 100 are listed, and they are little more text than what was sent.
fn are_bounded(faults: &FieldErrors, sent: usize) {
    assert!(!faults.is_empty() && faults.listed.len() == faults.count.min(100));
    let written = serde_json::to_vec(&faults.listed).expect("faults can be written").len();
    assert!(written <= sent + 24 * 1_024, "{written} bytes of faults for {sent}");
}

/// A cursor is accepted if, and only if, it is sort and direction, sort key, id and binding in base64url without
/// padding. Written here once more from the form that must stay (`http/request/cursor.rs`), so that the parser is not its own
/// witness.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let is_cursor = URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| {
        if bytes.len() != 33 || bytes[0] > 5 {
            return false;
        }
        let number = bytes[1..9].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)).cast_signed();
        // Of the years 1 to 9999: days since the year 1, or microseconds since 1970.
        match bytes[0] {
            2 | 3 => (1..=3_652_059).contains(&number),
            _ => (-62_135_596_800_000_000..253_402_300_800_000_000).contains(&number),
        }
    });
    assert_eq!(text.parse::<UnverifiedCursor>().is_ok(), is_cursor);
}

/// An API key is accepted only with prefix, length and checksum; an idempotency key is 1 to 255 visible characters and
/// the same when it is quoted.
pub fn key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    is_secret(secret::Kind::ApiKey, "ub_key_", text);
    if let Ok(key) = text.parse::<IdempotencyKey>() {
        let inside = key.as_str();
        assert!((1..=255).contains(&inside.len()) && inside.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        let quoted = format!("\"{}\"", inside.replace('\\', "\\\\").replace('"', "\\\""));
        assert_eq!(quoted.parse::<IdempotencyKey>().as_ref(), Ok(&key));
    }
}

/// A connection token is accepted only with prefix, length and checksum.
pub fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    is_secret(secret::Kind::ConnectionToken, "ub_conn_", text);
}

/// An answer of Tryton is read or refused. What is read has the record that was sent, and members that can be answered.
pub fn tryton(bytes: &[u8]) {
    let Ok(result) = tryton::read_body(bytes) else { return };
    let Ok(records) = serde_json::from_str::<Vec<Box<RawValue>>>(result.get()) else { return };
    let connection = "0190163d-8694-739b-aea5-966c26f8ad91".parse().expect("an id");
    for record in records {
        assert_eq!(fingerprint(&record).len(), 32);
        for &resource in Resource::ALL {
            if let Ok(object) = tryton::read_object(resource, connection, 1, &record) {
                assert_eq!(object.remote_data.get(), record.get());
                serde_json::to_value(&object.fields).expect("members can be written");
            }
        }
        if let Ok(payment) = tryton::read_payment(record.clone()) {
            assert_eq!(payment.data.get(), record.get());
            let total = payment.amount.get();
            assert!(total >= 0 || payment.kind.is_some(), "only what is paid back is below zero");
            let parts = payment.allocations.iter().filter_map(|allocation| allocation.amount);
            assert!(parts.map(|part| part.get().signum()).all(|sign| sign == 0 || sign == total.signum()));
        }
    }
}

fn is_secret(kind: secret::Kind, prefix: &str, text: &str) {
    let is_well_formed = text.strip_prefix(prefix).is_some_and(|rest| {
        let sum = |text: &str| {
            let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
            let value = text
                .bytes()
                .try_fold(0_u64, |sum, byte| Some(sum * 62 + digits.iter().position(|digit| *digit == byte)? as u64));
            value == Some(u64::from(crc32fast::hash(format!("{prefix}{}", &rest[..32]).as_bytes())))
        };
        rest.len() == 38 && rest.is_ascii() && sum(&rest[32..])
    });
    assert_eq!(Secret::parse(kind, text).is_ok(), is_well_formed);
}
