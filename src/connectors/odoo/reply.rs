//! Odoo's answers: those of JSON-RPC and of JSON-2.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::{Failure, Refusal, of_status};
use crate::connectors::{Error, json};
use crate::outgoing::Answer;

/// The result of a call, and the time of Odoo's answer.
pub struct Reply {
    result: Box<RawValue>,
    /// Odoo's own time, not ours.
    pub date: Option<DateTime<Utc>>,
}

impl Reply {
    /// Reads the result.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        json::read(self.result.get().as_bytes())
    }
}

/// JSON-RPC answers its errors with status 200, and a method without a value without `result`.
pub fn of_json_rpc(answer: &Answer) -> Result<Reply, Failure> {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(default)]
        result: Option<Box<RawValue>>,
        #[serde(default)]
        error: Option<RpcError>,
    }
    #[derive(Deserialize)]
    struct RpcError {
        data: Refusal,
    }
    if answer.status != StatusCode::OK {
        return Err(of_status(answer.status, &answer.headers).into());
    }
    let envelope: Envelope = json::read(&answer.body)?;
    match envelope {
        Envelope { error: Some(error), .. } => Err(Failure::Refused(error.data)),
        Envelope { result, .. } => Ok(Reply { result: result.unwrap_or_default(), date: answer.date }),
    }
}

/// JSON-2 answers the bare result, and its errors with a status and a name.
pub fn of_json2(answer: &Answer) -> Result<Reply, Failure> {
    if answer.status == StatusCode::OK {
        let result = json::read(&answer.body)?;
        return Ok(Reply { result, date: answer.date });
    }
    match json::read::<Refusal>(&answer.body) {
        Ok(refusal) => Err(Failure::Refused(refusal)),
        Err(_) => Err(of_status(answer.status, &answer.headers).into()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use proptest::prelude::*;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::new(),
            date: None,
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn answers_of_both_protocols_are_distinguished() {
        let result =
            |reply: Result<Reply, Failure>| reply.map(|reply| reply.result.get().to_owned()).expect("a result");
        assert_eq!(result(of_json_rpc(&answer(200, r#"{"jsonrpc": "2.0", "id": 1}"#))), "null");
        assert_eq!(result(of_json_rpc(&answer(200, r#"{"id": 1, "result": [1.50]}"#))), "[1.50]");
        assert_eq!(result(of_json2(&answer(200, "null"))), "null");
        let absent =
            r#"{"name": "builtins.ValueError", "message": "External ID not found in the system: a.b", "debug": ""}"#;
        let is_absent =
            |reply| matches!(reply, Err(Failure::Refused(refusal)) if Refusal::is_unknown_external_id(&refusal));
        assert!(is_absent(of_json2(&answer(500, absent))));
        assert!(is_absent(of_json_rpc(&answer(200, &format!(r#"{{"error": {{"code": 200, "data": {absent}}}}}"#)))));
        for reply in [of_json2(&answer(500, "<html>")), of_json_rpc(&answer(502, "<html>"))] {
            assert!(matches!(reply, Err(Failure::Other(Error::Unavailable { .. }))));
        }
        assert!(matches!(of_json2(&answer(429, "")), Err(Failure::Other(Error::RateLimited { .. }))));
    }

    proptest! {
        #[test]
        fn no_answer_panics(status in 200u16..=599, body in "\\PC*") {
            let _ = of_json_rpc(&answer(status, &body));
            let _ = of_json2(&answer(status, &body));
        }
    }
}
