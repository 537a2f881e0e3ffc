//! How calls to an ERPNext site are made and signed.

use std::time::Duration;

use axum::http::header::{ACCEPT, AUTHORIZATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::CAPABILITIES;
use super::record::{self, Record};
use super::refusal::{self, Refusal};
use crate::connectors::{Error, Target};
use crate::domain::references::Resource;
use crate::domain::{ConnectionId, ReferenceId, RemoteId};
use crate::outgoing::{Answer, Client};

/// A site, and the user that we are there. Frappe's own name for an installation is site.
#[derive(Debug)]
pub struct Site {
    address: String,
    client: Client,
    /// `None` when the API key has characters that no header takes.
    headers: Option<HeaderMap>,
    /// The company whose books are read and written.
    pub company: Option<RemoteId>,
    connection_id: ConnectionId,
    time_zone: OnceCell<Option<Tz>>,
}

impl Site {
    /// A site. Nothing is sent yet.
    ///
    /// The login is the API key and the secret is the API secret; without a login the secret is `key:secret`. The
    /// database, where one is named, is the site's name, for servers that cannot take it from the host.
    pub fn new(target: Target, client: Client) -> Self {
        let secret = target.secret.expose_secret();
        let token = match &target.login {
            Some(key) => format!("token {key}:{secret}"),
            None => format!("token {secret}"),
        };
        Self {
            address: target.url.trim_end_matches('/').to_owned(),
            client,
            headers: headers(&token, target.database.as_deref()),
            company: target.company,
            connection_id: target.connection_id,
            time_zone: OnceCell::new(),
        }
    }

    /// Our id of an object of this site.
    pub fn id(&self, resource: Resource, remote_id: &RemoteId) -> ReferenceId {
        resource.id(self.connection_id, remote_id)
    }

    /// The company's name.
    ///
    /// # Errors
    /// When none was chosen: [`super::check`] does that.
    pub fn company(&self) -> Result<&str, Error> {
        let company = self.company.as_ref().map(RemoteId::as_str);
        company.ok_or_else(|| Error::Unsupported("the connection names no company of this ERPNext".to_owned()))
    }

    /// Reads one document; `None` when there is none.
    pub async fn document(&self, doctype: &str, name: &str) -> Result<Option<Box<RawValue>>, Error> {
        match self.get(&format!("/api/resource/{}/{}", encode(doctype), encode(name))).await {
            Err(refusal) if refusal.is("DoesNotExistError") => Ok(None),
            document => document.map(Some).map_err(Refusal::of_reading),
        }
    }

    /// Makes a document out of JSON, and answers it.
    pub async fn insert(&self, doctype: &str, document: &[u8]) -> Result<Box<RawValue>, Error> {
        let path = format!("/api/resource/{}", encode(doctype));
        self.post(&path, document, "data").await.map_err(Refusal::into_error)
    }

    /// Gives a field of a document another value.
    pub async fn change(&self, doctype: &str, name: &str, field: &str, value: &Value) -> Result<(), Error> {
        let change = json!({"doctype": doctype, "name": name, "fieldname": field, "value": value});
        let changed = self.function("frappe.client.set_value", &change).await;
        changed.map(drop).map_err(Refusal::into_error)
    }

    /// Calls one of the site's functions that only read.
    pub async fn call(&self, method: &str, arguments: &Value) -> Result<Box<RawValue>, Error> {
        self.function(method, arguments).await.map_err(Refusal::of_reading)
    }

    /// Documents as `frappe.client.get_list` finds them. The arguments must have an `order_by`: without one the order
    /// is not the same from call to call.
    pub async fn list(&self, arguments: Value) -> Result<Vec<Box<RawValue>>, Error> {
        Ok(rows(&self.call("frappe.client.get_list", &arguments).await?))
    }

    /// The same where the user may lack the right to read them: then `None`.
    pub async fn list_if_allowed(&self, arguments: Value) -> Result<Option<Vec<Box<RawValue>>>, Error> {
        match self.function("frappe.client.get_list", &arguments).await {
            Err(refusal) if refusal.is("PermissionError") => Ok(None),
            list => list.map(|list| Some(rows(&list))).map_err(Refusal::of_reading),
        }
    }

    /// Signs in. Unlike a lack of one right, a failure here means that the credentials are wrong.
    pub async fn sign_in(&self) -> Result<(), Error> {
        let user = self.function("frappe.auth.get_logged_user", &json!({})).await;
        user.map(drop).map_err(Refusal::into_error)
    }

    /// Whether the user has a right on a kind of document.
    pub async fn may(&self, doctype: &str, right: &str) -> Result<bool, Error> {
        let arguments = json!({"doctype": doctype, "docname": "", "perm_type": right});
        let found = self.call("frappe.client.has_permission", &arguments).await?;
        Ok(Record::read(&found).is_some_and(|found| found.is_set("has_permission")))
    }

    /// The description of a kind of document, and of those in its tables.
    pub async fn description(&self, doctype: &str) -> Result<Vec<Box<RawValue>>, Error> {
        let path = "/api/method/frappe.desk.form.load.getdoctype";
        let described = self.post(path, json!({"doctype": doctype}).to_string().as_bytes(), "docs").await;
        described.map(|documents| rows(&documents)).map_err(Refusal::of_reading)
    }

    /// A moment that the site wrote: its local time, without zone. Of an hour that the clock shows twice in autumn,
    /// the later one is taken. `None` when the text is none.
    pub async fn moment(&self, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Error> {
        let Some(text) = text else { return Ok(None) };
        let zone = self.time_zone.get_or_try_init(|| async {
            let found = self.call("frappe.client.get_time_zone", &json!({})).await?;
            let zone = Record::read(&found).and_then(|found| found.text("time_zone"));
            Ok::<_, Error>(zone.and_then(|zone| zone.parse().ok()))
        });
        Ok(zone.await?.and_then(|zone| utc(text, zone)))
    }

    async fn function(&self, method: &str, arguments: &Value) -> Result<Box<RawValue>, Refusal> {
        self.post(&format!("/api/method/{method}"), arguments.to_string().as_bytes(), "message").await
    }

    async fn get(&self, path: &str) -> Result<Box<RawValue>, Refusal> {
        let url = format!("{}{path}", self.address);
        let answer = self.client.get(&url, self.headers()?, CAPABILITIES.timeout).await.map_err(Error::from)?;
        read(&answer, "data")
    }

    async fn post(&self, path: &str, json: &[u8], member: &str) -> Result<Box<RawValue>, Refusal> {
        let url = format!("{}{path}", self.address);
        let answer = self.client.post_json(&url, self.headers()?, json, CAPABILITIES.timeout).await;
        read(&answer.map_err(Error::from)?, member)
    }

    fn headers(&self) -> Result<&HeaderMap, Error> {
        let unusable = "the API key, the API secret or the name of the site has characters that cannot be sent";
        self.headers.as_ref().ok_or_else(|| Error::Unauthorized(unusable.to_owned()))
    }
}

fn headers(token: &str, site: Option<&str>) -> Option<HeaderMap> {
    let mut token = HeaderValue::from_str(token).ok()?;
    token.set_sensitive(true);
    let json = HeaderValue::from_static("application/json");
    let mut headers = HeaderMap::from_iter([(AUTHORIZATION, token), (ACCEPT, json)]);
    if let Some(site) = site {
        headers.insert(HeaderName::from_static("x-frappe-site-name"), HeaderValue::from_str(site).ok()?);
    }
    Some(headers)
}

/// A name as a part of a path: names hold spaces, slashes and letters of any script.
fn encode(name: &str) -> impl std::fmt::Display {
    utf8_percent_encode(name, NON_ALPHANUMERIC)
}

/// The member of a good answer that holds what was asked for.
fn read(answer: &Answer, member: &str) -> Result<Box<RawValue>, Refusal> {
    let retry_after = answer.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    refusal::read(answer.status.as_u16(), retry_after.map(Duration::from_secs), &answer.body, member)
}

fn rows(list: &RawValue) -> Vec<Box<RawValue>> {
    record::elements(list).into_iter().map(ToOwned::to_owned).collect()
}

fn utc(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(zone.from_local_datetime(&local).latest()?.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_becomes_utc_and_the_repeated_hour_the_later() {
        for (local, expected) in [
            ("2026-11-26 02:59:14.041259", Some("2026-11-26T07:59:14.041259Z")),
            ("2026-10-01 00:00:01", Some("2026-10-01T04:00:01Z")),
            ("2026-11-01 01:30:00", Some("2026-11-01T06:30:00Z")),
            ("2026-11-26", None),
        ] {
            let expected = expected.map(|text| text.parse::<DateTime<Utc>>().expect(text));
            assert_eq!(utc(local, chrono_tz::America::New_York), expected, "{local}");
        }
    }

    #[test]
    fn name_is_encoded_as_one_part_of_a_path() {
        assert_eq!(encode("A/b c?é").to_string(), "A%2Fb%20c%3F%C3%A9");
    }

    #[test]
    fn debug_shows_no_secret() {
        let headers = headers("token key:very-secret", Some("site")).expect("headers");
        assert!(!format!("{headers:?}").contains("secret"));
    }
}
