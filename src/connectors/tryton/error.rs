//! What Tryton's answers mean: its results, and all of its errors.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::connectors::{Error, Fault, Sent, json};
use crate::outgoing::Answer;

/// The most characters that are kept of the text of an error that nobody expected.
const MAX_CHARACTERS: usize = 200;

/// How Tryton says, in English, that the user lacks a right. All other texts of its `UserError` are about the call.
const LACKS_RIGHTS: [&str; 3] =
    ["You are not allowed to access \"", "You are not allowed to execute wizard \"", "Calling button \""];

/// What the database says when another transaction is in the way. Tryton has tried five times then, and has written nothing.
const LOCKED: [&str; 3] = ["could not obtain lock", "could not serialize access", "deadlock detected"];

/// The body of an answer: one of the two.
#[derive(Deserialize)]
struct Body {
    #[serde(default, deserialize_with = "present")]
    result: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    error: Option<Box<RawValue>>,
}

/// Unlike an option, keeps `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// The result in an answer.
pub fn result(answer: &Answer) -> Result<Box<RawValue>, Error> {
    let unavailable = |sent, detail: &str| Error::Unavailable { sent, detail: detail.to_owned() };
    Err(match answer.status {
        StatusCode::OK => return read_body(&answer.body),
        StatusCode::UNAUTHORIZED => Error::Unauthorized("Tryton does not accept the login and the password".to_owned()),
        StatusCode::FORBIDDEN => Error::Unauthorized("Tryton forbids this call".to_owned()),
        // Also what it says at a sign-in while its own database is away.
        StatusCode::NOT_FOUND => {
            unavailable(Sent::No, "Tryton has no database of this name, or cannot reach it at the moment")
        }
        StatusCode::TOO_MANY_REQUESTS => Error::LockedOut {
            after: retry_after(answer),
            detail: "there were too many wrong passwords for this login".to_owned(),
        },
        // Any error of its database, also one during the commit.
        StatusCode::SERVICE_UNAVAILABLE => {
            let text = String::from_utf8_lossy(&answer.body);
            if is_locked(&text) { in_the_way() } else { unavailable(Sent::Maybe, "Tryton cannot use its database") }
        }
        status if status.is_client_error() || status.is_redirection() => {
            Error::Unsupported(format!("no Tryton answers at this address: status {status}"))
        }
        status => unavailable(Sent::Maybe, &format!("status {status}")),
    })
}

/// The result in the body of an answer whose status is 200.
///
/// # Errors
/// What Tryton answers instead of a result, and anything that is no answer of Tryton.
pub fn read_body(body: &[u8]) -> Result<Box<RawValue>, Error> {
    match json::read(body)? {
        Body { result: Some(result), error: None } => Ok(result),
        Body { error: Some(error), .. } => Err(raised(&error)),
        Body { .. } => Err(Error::Protocol("neither a result nor an error".to_owned())),
    }
}

/// The exception that a call raised. Tryton has undone all that the call did, unless it came from the commit.
fn raised(error: &RawValue) -> Error {
    let parts: Vec<&RawValue> = serde_json::from_str(error.get()).unwrap_or_default();
    let text = |at: usize| parts.get(at).and_then(|part| serde_json::from_str::<String>(part.get()).ok());
    // The texts of the exceptions that are meant for people. The second part of all others is a traceback.
    let mut texts = parts.get(1).map(|part| texts(part)).unwrap_or_default().into_iter();
    match text(0).as_deref() {
        Some("UserError") => {
            let message = texts.next().unwrap_or_default();
            if LACKS_RIGHTS.iter().any(|beginning| message.starts_with(beginning)) {
                return Error::Unauthorized(cut(&message));
            }
            rejected([message, texts.next().unwrap_or_default()])
        }
        // A question that only a person can answer. The first text is the name of the question.
        Some("UserWarning") => {
            let (message, description) = (texts.nth(1), texts.next());
            rejected([message.unwrap_or_default(), description.unwrap_or_default()])
        }
        Some("LoginException") => {
            Error::Unauthorized(format!("Tryton asks for more than a password: {}", texts.nth(1).unwrap_or_default()))
        }
        Some("ConcurrencyException") => Error::Conflict(text(1).unwrap_or_default()),
        // 7.0 says so in an answer with status 200.
        Some(other) if is_locked(other) => in_the_way(),
        Some(other) => Error::Protocol(cut(other.lines().next().unwrap_or_default())),
        None => Error::Protocol("an error of an unknown form".to_owned()),
    }
}

fn is_locked(text: &str) -> bool {
    LOCKED.iter().any(|locked| text.contains(locked))
}

fn in_the_way() -> Error {
    Error::Unavailable { sent: Sent::No, detail: "another transaction was in the way".to_owned() }
}

fn texts(list: &RawValue) -> Vec<String> {
    let elements: Vec<&RawValue> = serde_json::from_str(list.get()).unwrap_or_default();
    elements.iter().map(|element| serde_json::from_str(element.get()).unwrap_or_default()).collect()
}

fn rejected(texts: [String; 2]) -> Error {
    let texts: Vec<_> = texts.into_iter().filter(|text| !text.trim().is_empty()).collect();
    Error::Rejected(vec![Fault::new("", "refused_by_software", texts.join("\n"))])
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARACTERS).collect()
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    answer.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::HeaderMap;
    use proptest::prelude::*;

    use super::*;
    use crate::connectors::Outcome;

    fn read(status: u16, body: impl Into<Bytes>) -> Result<Box<RawValue>, Error> {
        let status = StatusCode::from_u16(status).expect("a status");
        result(&Answer { status, headers: HeaderMap::new(), date: None, body: body.into() })
    }

    /// The error, as its variant and its outcome.
    fn kind(status: u16, body: &'static str) -> (String, Outcome) {
        let error = read(status, body).expect_err(body);
        let name = format!("{error:?}");
        (name.split(|c: char| !c.is_alphanumeric()).next().expect("a name").to_owned(), error.outcome())
    }

    #[test]
    fn every_answer_of_tryton_has_its_meaning() {
        use Outcome::{NotApplied, Unknown};
        for (status, body, name, outcome) in [
            (200, r#"{"id":1,"error":["UserError",["No such period","",null]]}"#, "Rejected", NotApplied),
            (200, r#"{"id":1,"error":["UserWarning",["name","Sure?",""]]}"#, "Rejected", NotApplied),
            (
                200,
                r#"{"id":1,"error":["UserError",["You are not allowed to access \"Invoice\".","",null]]}"#,
                "Unauthorized",
                NotApplied,
            ),
            (200, r#"{"id":1,"error":["LoginException",["sms","Code","char"]]}"#, "Unauthorized", NotApplied),
            (200, r#"{"id":1,"error":["ConcurrencyException","Records were modified"]}"#, "Conflict", Unknown),
            (200, r#"{"id":1,"error":["'account.invoice'","Traceback"]}"#, "Protocol", Unknown),
            (200, r#"{"id":1,"error":["could not obtain lock on relation \"x\"\n",""]}"#, "Unavailable", NotApplied),
            (200, r#"{"id":1,"error":null}"#, "Protocol", Unknown),
            (200, r#"{"id":1}"#, "Protocol", Unknown),
            (200, "<html>", "Protocol", Unknown),
            (200, "", "Protocol", Unknown),
            (401, "", "Unauthorized", NotApplied),
            (403, "", "Unauthorized", NotApplied),
            (404, "", "Unavailable", NotApplied),
            (405, "", "Unsupported", NotApplied),
            (302, "", "Unsupported", NotApplied),
            (429, "", "LockedOut", NotApplied),
            (
                503,
                "<p>could not obtain lock on row in relation &#34;ir_sequence_strict&#34;",
                "Unavailable",
                NotApplied,
            ),
            (503, "<p>server closed the connection unexpectedly", "Unavailable", Unknown),
            (500, "", "Unavailable", Unknown),
            (502, "", "Unavailable", Unknown),
            (504, "", "Unavailable", Unknown),
        ] {
            assert_eq!(kind(status, body), (name.to_owned(), outcome), "{status} {body}");
        }
    }

    #[test]
    fn result_is_kept_as_it_was_written() {
        for result in ["null", "{}", "[ 1.50, {\"b\":0,\"a\":1} ]"] {
            let body = format!(r#"{{"result": {result}, "id": 1}}"#);
            assert_eq!(read(200, body).expect(result).get(), result);
        }
    }

    #[test]
    fn refusal_has_the_text_of_the_software_and_no_traceback() {
        let text = |body| read(200, body).expect_err(body).to_string();
        let refusal = text(r#"{"id":1,"error":["UserError",["The period is closed.","Reopen it.",null]]}"#);
        assert!(refusal.ends_with("The period is closed.\nReopen it."), "{refusal}");
        let question = text(r#"{"id":1,"error":["UserWarning",["move.cancel","Is it meant?",""]]}"#);
        assert!(question.ends_with("Is it meant?"), "{question}");
        let bug = text(r#"{"id":1,"error":["boom\nFile x.py, line 3","Traceback of everything"]}"#);
        assert!(bug.ends_with("boom"), "{bug}");
    }

    proptest! {
        #[test]
        fn no_answer_panics(status in 100_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(status, body);
        }

        #[test]
        fn no_error_panics(error in "[\\[\\]{}\",:a-zU0-9]{0,60}") {
            let _ = read(200, format!(r#"{{"error":{error}}}"#));
            let _ = read(200, format!(r#"{{"error":["UserError",{error}]}}"#));
        }
    }
}
