//! What Odoo's errors mean. Some differ only in their texts: all comparing of texts is here.

use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::value::Maybe;
use crate::connectors::{Error, Fault, Sent};

/// How long Odoo refuses every password of an address after ten wrong ones, where its operator did not change it.
const LOCKOUT: Duration = Duration::from_mins(1);

/// An error that Odoo answered. Its traceback is not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    /// The Python class.
    pub name: String,
    /// The text for people.
    #[serde(default)]
    pub message: String,
}

/// Why a call has no result.
#[derive(Debug)]
pub enum Failure {
    /// Odoo answered an error.
    Refused(Refusal),
    /// There is no answer, or none of Odoo.
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Other(error) => error,
        }
    }
}

impl Refusal {
    /// Whether no record has the external id that was asked for.
    pub fn is_unknown_external_id(&self) -> bool {
        self.name == "builtins.ValueError" && self.message.starts_with("External ID not found")
    }

    /// Whether the secret was refused.
    pub fn is_access_denied(&self) -> bool {
        matches!(class(&self.name), "AccessDenied" | "Unauthorized") && !self.is_lockout()
    }

    fn is_lockout(&self) -> bool {
        self.message.starts_with("Too many login failures")
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let text = cut(&refusal.message);
        match class(&refusal.name) {
            "AccessDenied" if refusal.is_lockout() => Self::LockedOut { after: Some(LOCKOUT), detail: text },
            "AccessDenied" | "AccessError" | "Unauthorized" => Self::Unauthorized(text),
            _ if is_conflict(&refusal.message) => Self::Conflict(text),
            "UserError" | "ValidationError" | "RedirectWarning" | "MissingError" => {
                Self::Rejected(vec![Fault::new("", "refused_by_software", text)])
            }
            // The database is away, has no sessions left or is stopped.
            _ if refusal.name.starts_with("psycopg2.") => Self::Unavailable { sent: Sent::Maybe, detail: text },
            name => Self::Protocol(format!("{name}: {text}")),
        }
    }
}

/// The class without its module.
fn class(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

fn cut(text: &str) -> String {
    text.trim().chars().take(Fault::MAX_CHARACTERS).collect()
}

/// Another transaction was first: Postgres rolled this one back.
fn is_conflict(text: &str) -> bool {
    ["could not serialize access", "deadlock detected", "could not obtain lock", "duplicate key value"]
        .iter()
        .any(|sign| text.contains(sign))
}

/// A message about a row that was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LoadMessage {
    /// `error` or `warning`.
    #[serde(rename = "type", default)]
    kind: String,
    /// The field that is at fault.
    #[serde(default)]
    field: Maybe<String>,
    /// The text for people.
    #[serde(default)]
    message: String,
}

/// Why a row was not loaded. The whole call was rolled back then.
pub fn of_load(messages: &[LoadMessage]) -> Error {
    let errors: Vec<_> = messages.iter().filter(|message| message.kind != "warning").collect();
    if let Some(conflict) = errors.iter().find(|message| is_conflict(&message.message)) {
        return Error::Conflict(cut(&conflict.message));
    }
    let mut faults = Vec::new();
    for LoadMessage { field, message, .. } in errors {
        let pointer = match field.0.as_deref() {
            Some("amount") => "/total_amount",
            Some("currency_id") => "/currency",
            Some("date") => "/transaction_date",
            Some("journal_id") => "/account_id",
            Some("partner_id") => "/contact_id",
            _ => "",
        };
        // An exception of the payment itself comes wrapped, with its class.
        let wrapped = message.strip_prefix("Unknown error during import: <class '");
        match wrapped.and_then(|rest| rest.split_once("'>: ")) {
            Some((name, text)) => match Error::from(Refusal { name: name.to_owned(), message: text.to_owned() }) {
                Error::Rejected(own) => faults.extend(own),
                other => return other,
            },
            None => faults.push(Fault::new(pointer, "refused_by_software", message.trim())),
        }
    }
    if faults.is_empty() {
        return Error::Protocol("Odoo loaded no payment and gave no reason".to_owned());
    }
    Error::Rejected(faults)
}

/// What a status other than 200 means, where Odoo itself did not answer: a proxy, or a server that starts or stops.
pub fn of_status(status: StatusCode, headers: &HeaderMap) -> Error {
    let after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    match status.as_u16() {
        401 => Error::Unauthorized("HTTP status 401".to_owned()),
        429 => Error::RateLimited { after },
        500..=599 => Error::Unavailable { sent: Sent::Maybe, detail: format!("HTTP status {status}") },
        300..=399 => Error::Protocol(format!("HTTP status {status}: the address leads elsewhere")),
        _ => Error::Protocol(format!("HTTP status {status}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::connectors::Outcome;

    fn error(name: &str, message: &str) -> Error {
        Refusal { name: name.to_owned(), message: message.to_owned() }.into()
    }

    /// Each pair was answered by a real Odoo 14 or 19.
    #[test]
    fn errors_of_odoo_have_their_meaning() {
        let denied = "odoo.exceptions.AccessDenied";
        assert!(matches!(error(denied, "Access Denied"), Error::Unauthorized(_)));
        let lockout = "Too many login failures, please wait a bit before trying again.";
        assert!(matches!(error(denied, lockout), Error::LockedOut { after: Some(LOCKOUT), .. }));
        assert!(matches!(error("werkzeug.exceptions.Unauthorized", "Invalid apikey"), Error::Unauthorized(_)));
        assert!(matches!(error("odoo.exceptions.AccessError", "You are not allowed"), Error::Unauthorized(_)));
        assert!(matches!(error("odoo.exceptions.UserError", "closed"), Error::Rejected(_)));
        assert!(matches!(error("odoo.exceptions.ValidationError", "missing"), Error::Rejected(_)));
        let no_database = "FATAL:  database \"nope\" does not exist";
        assert!(matches!(error("psycopg2.OperationalError", no_database), Error::Unavailable { .. }));
        let serialize = "could not serialize access due to concurrent update\n";
        assert!(matches!(error("psycopg2.errors.SerializationFailure", serialize), Error::Conflict(_)));
        assert!(matches!(error("builtins.KeyError", "'x'"), Error::Protocol(_)));
    }

    #[test]
    fn load_says_which_member_is_at_fault() {
        let load = |json: &str| of_load(&serde_json::from_str::<Vec<LoadMessage>>(json).expect(json));
        let Error::Rejected(faults) = load(
            r#"[{"type":"error","field":"currency_id","message":"No matching record found"},
                {"type":"error","message":"Unknown error during import: <class 'odoo.exceptions.UserError'>: locked"}]"#,
        ) else {
            panic!("not rejected");
        };
        assert_eq!((faults[0].pointer.as_str(), faults[0].detail.as_str()), ("/currency", "No matching record found"));
        assert_eq!((faults[1].pointer.as_str(), faults[1].detail.as_str()), ("", "locked"));
        let serialize = r#"[{"type":"error","message":"could not serialize access due to concurrent update\n"}]"#;
        assert!(matches!(load(serialize), Error::Conflict(_)));
        // A defect is no reason for which the payment can never be written.
        let defect = r#"[{"type":"error","message":"Unknown error during import: <class 'KeyError'>: 'x'"}]"#;
        assert_eq!(load(defect).outcome(), Outcome::Unknown);
        assert_eq!(load("[]").outcome(), Outcome::Unknown);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_texts_are_cut(name in "\\PC{0,40}", message in "\\PC{0,1200}") {
            let text = error(&name, &message).to_string();
            prop_assert!(text.chars().count() < 1_100);
        }
    }
}
