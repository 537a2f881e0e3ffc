//! What a site's refusal means: the one place that knows Frappe's errors.
//!
//! Frappe names the class of an error in `exc_type`. Its `exc` holds a traceback, which is never read here.

use std::time::Duration;

use serde_json::value::RawValue;

use super::html::plain_text;
use super::record::Record;
use crate::connectors::{Error, Fault, Sent};

/// An answer that is not what was asked for.
#[derive(Debug)]
pub struct Refusal {
    /// Frappe's name of the error; `None` where the answer is not Frappe's.
    class: Option<String>,
    error: Error,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { class: None, error }
    }
}

impl Refusal {
    /// Whether it is the error of this name.
    pub fn is(&self, class: &str) -> bool {
        self.class.as_deref() == Some(class)
    }

    /// What it means for the payment that was sent.
    pub fn into_error(self) -> Error {
        self.error
    }

    /// What it means when something was only read: nothing was refused that anybody wanted to write, and a right that
    /// is missing for one kind of document leaves the others.
    pub fn of_reading(self) -> Error {
        let is_one_right = self.is("PermissionError");
        match self.error {
            Error::Unauthorized(text) if is_one_right => {
                Error::Unsupported(format!("ERPNext does not show it: {text}"))
            }
            Error::Rejected(faults) => {
                let texts: Vec<_> = faults.into_iter().map(|fault| fault.detail).collect();
                Error::Unsupported(format!("ERPNext does not answer: {}", texts.join("; ")))
            }
            error => error,
        }
    }
}

/// The member of a good answer that holds what was asked for.
///
/// # Errors
/// Every other answer.
pub fn read(status: u16, retry_after: Option<Duration>, body: &[u8], member: &str) -> Result<Box<RawValue>, Refusal> {
    let body = serde_json::from_slice::<&RawValue>(body).ok();
    let body = body.and_then(Record::read);
    if status == 200 {
        let found = body.as_ref().and_then(|body| body.member(member));
        let unclear = || Error::Protocol(format!("it answered 200 without the member `{member}`"));
        return found.map(ToOwned::to_owned).ok_or_else(|| unclear().into());
    }
    let class = body.as_ref().and_then(|body| body.text("exc_type"));
    let text = body.as_ref().and_then(message).or_else(|| class.clone()).unwrap_or_else(|| format!("status {status}"));
    Err(Refusal { error: error(status, class.as_deref(), text, retry_after), class })
}

fn error(status: u16, class: Option<&str>, text: String, retry_after: Option<Duration>) -> Error {
    let maybe = |detail| Error::Unavailable { sent: Sent::Maybe, detail };
    let no = |detail| Error::Unavailable { sent: Sent::No, detail };
    match (status, class) {
        (401 | 403, _)
        | (400, Some("InvalidAuthorizationHeader" | "InvalidAuthorizationPrefix" | "InvalidAuthorizationToken")) => {
            Error::Unauthorized(text)
        }
        (429, _) => Error::RateLimited { after: retry_after },
        // Maintenance: the request ends before anything is done.
        (503, Some("SessionStopped" | "InReadOnlyMode")) => no(format!("ERPNext is under maintenance: {text}")),
        // The key is taken, or another transaction was in the way.
        (
            _,
            Some(
                "UniqueValidationError"
                | "DuplicateEntryError"
                | "TimestampMismatchError"
                | "DocumentLockedError"
                | "QueryDeadlockError"
                | "QueryTimeoutError",
            ),
        ) => Error::Conflict(text),
        (400..=499, Some(class)) => Error::Rejected(vec![fault(class, &text)]),
        // Something before the site answered: a proxy that has no such site, or wants another address.
        (404, None) => no("there is no ERPNext site at this address".to_owned()),
        (300..=399, None) => no("the address leads to another one; name that one".to_owned()),
        // The text of a failure of the server names its insides.
        (500..=599, Some(class)) => maybe(format!("ERPNext failed: {class}")),
        (_, None) => maybe(format!("the server answered {status}, and not as ERPNext does")),
        (_, Some(_)) => Error::Protocol(format!("status {status}: {text}")),
    }
}

/// A refused payment, at the member that is at fault where the class of the error says it.
fn fault(class: &str, text: &str) -> Fault {
    let pointer = match class {
        "FiscalYearError" | "ClosedAccountingPeriod" => "/transaction_date",
        _ => "",
    };
    Fault::new(pointer, "refused_by_software", text)
}

/// The messages for the user, in plain text. Frappe writes them as JSON texts in an array in a JSON text.
fn message(body: &Record<'_>) -> Option<String> {
    let messages: Vec<String> = serde_json::from_str(&body.text("_server_messages")?).ok()?;
    let messages: Vec<_> =
        messages.iter().filter_map(|message| serde_json::from_str::<&RawValue>(message).ok()).collect();
    let messages: Vec<_> = messages.into_iter().filter_map(Record::read).collect();
    let reasons: Vec<_> = messages.iter().filter(|message| message.is_set("raise_exception")).collect();
    // Beside the reason there may be notes about something else.
    let shown = if reasons.is_empty() { messages.iter().collect() } else { reasons };
    let texts: Vec<_> = shown.into_iter().filter_map(|message| message.text("message")).collect();
    let text = texts.iter().map(|text| plain_text(text)).collect::<Vec<_>>().join("; ");
    Some(text.chars().take(Fault::MAX_CHARACTERS).collect()).filter(|text: &String| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::connectors::Outcome;

    fn refused(status: u16, class: &str, message: &str) -> Error {
        let message = json!({"message": message, "raise_exception": 1}).to_string();
        let messages = json!([message]).to_string();
        let body = json!({"exc_type": class, "exc": "[\"Traceback …\"]", "_server_messages": messages});
        read(status, None, body.to_string().as_bytes(), "data").expect_err("a refusal").into_error()
    }

    #[test]
    fn class_of_the_error_decides_what_it_means() {
        use Outcome::{NotApplied, Unknown};
        for (status, class, start, outcome) in [
            (401, "AuthenticationError", "the software refused the credentials", NotApplied),
            (403, "PermissionError", "the software refused the credentials", NotApplied),
            (417, "ValidationError", "the software refused it: text", NotApplied),
            (417, "LinkValidationError", "the software refused it: text", NotApplied),
            (417, "UniqueValidationError", "something else changed", Unknown),
            (409, "DuplicateEntryError", "something else changed", Unknown),
            (500, "QueryTimeoutError", "something else changed", Unknown),
            (429, "TooManyRequestsError", "the software asks for fewer", NotApplied),
            (503, "SessionStopped", "the software cannot be reached", NotApplied),
            (503, "InReadOnlyMode", "the software cannot be reached", NotApplied),
            (500, "OperationalError", "the software cannot be reached: ERPNext failed: OperationalError", Unknown),
        ] {
            let error = refused(status, class, "text");
            assert!(error.to_string().starts_with(start), "{status} {class}: {error}");
            assert_eq!(error.outcome(), outcome, "{status} {class}");
        }
    }

    #[test]
    fn answer_of_a_stranger_is_unknown_unless_nothing_is_there() {
        let html = |status| read(status, None, b"<html>", "data").expect_err("a refusal").into_error().outcome();
        assert_eq!([html(200), html(502), html(503), html(413)], [Outcome::Unknown; 4]);
        assert_eq!([html(404), html(301), html(401)], [Outcome::NotApplied; 3]);
    }

    #[test]
    fn refused_payment_shows_the_message_and_no_traceback() {
        let Error::Rejected(faults) = refused(417, "FiscalYearError", "Date is not in <b>any</b> year<br>of ours")
        else {
            panic!("not rejected")
        };
        assert_eq!(faults, [Fault::new("/transaction_date", "refused_by_software", "Date is not in any year of ours")]);
    }

    proptest! {
        #[test]
        fn no_answer_panics(status in 100_u16..600, body in "\\PC*", messages in "\\PC*", class in "[A-Za-z]{0,9}") {
            let _ = read(status, None, body.as_bytes(), "data");
            let body = json!({"exc_type": class, "_server_messages": messages, "data": 1}).to_string();
            let _ = read(status, None, body.as_bytes(), "data");
        }
    }
}
