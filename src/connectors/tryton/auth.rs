//! How calls are made and signed: JSON-RPC under a session of the user.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};

use super::{CAPABILITIES, error};
use crate::connectors::json::read;
use crate::connectors::{Error, Target};
use crate::outgoing::{Answer, Client};

/// The paths of the two generations, below the server and below a database: 8.0 and 7.0. Each answers the other's with an
/// error.
const GENERATIONS: [&str; 2] = ["/rpc/", "/"];

/// The calls to one database.
#[derive(Debug)]
pub struct Rpc {
    target: Target,
    client: Client,
    place: OnceCell<Place>,
    session: Mutex<Session>,
}

/// Where the calls go.
#[derive(Debug)]
struct Place {
    version: String,
    url: String,
}

/// The user's session, which Tryton ends after minutes without a call. Signing in costs half a second there, a call with a
/// session almost nothing.
#[derive(Debug)]
enum Session {
    None,
    /// Its header.
    Open(HeaderValue),
    /// Tryton refused the password. Asking again would lock the user out.
    Refused(Error),
}

impl Rpc {
    pub fn new(target: Target, client: Client) -> Self {
        Self { target, client, place: OnceCell::new(), session: Mutex::new(Session::None) }
    }

    /// The books that are called.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The version of the Tryton that answers, like `8.0`.
    pub async fn version(&self) -> Result<&str, Error> {
        Ok(&self.place().await?.version)
    }

    /// Calls a method, and reads its result.
    pub async fn call<T: for<'a> Deserialize<'a>>(&self, method: &str, parameters: Value) -> Result<T, Error> {
        read(self.call_raw(method, parameters).await?.get().as_bytes())
    }

    /// Calls a method. The parameters are an array.
    pub async fn call_raw(&self, method: &str, parameters: Value) -> Result<Box<RawValue>, Error> {
        let session = self.session(None).await?;
        let answer = self.send(&self.place().await?.url, Some(&session), method, &parameters).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return error::result(&answer);
        }
        // The session has ended, and nothing was done.
        let session = self.session(Some(&session)).await?;
        error::result(&self.send(&self.place().await?.url, Some(&session), method, &parameters).await?)
    }

    /// The header of an open session, other than one that has `ended`.
    async fn session(&self, ended: Option<&HeaderValue>) -> Result<HeaderValue, Error> {
        let mut session = self.session.lock().await;
        match &*session {
            Session::Refused(error) => return Err(error.clone()),
            Session::Open(header) if Some(header) != ended => return Ok(header.clone()),
            Session::Open(_) | Session::None => {}
        }
        *session = Session::None;
        let opened = self.sign_in().await;
        match &opened {
            Ok(header) => *session = Session::Open(header.clone()),
            Err(error @ Error::Unauthorized(_)) => *session = Session::Refused(error.clone()),
            Err(_) => {}
        }
        opened
    }

    async fn sign_in(&self) -> Result<HeaderValue, Error> {
        let Some(login) = &self.target.login else {
            return Err(Error::Unsupported("Tryton needs the user to sign in as: name one with --login".to_owned()));
        };
        let parameters = json!([login, {"password": self.target.secret.expose_secret()}, "en"]);
        let answer = self.send(&self.place().await?.url, None, "common.db.login", &parameters).await?;
        // The user's id and the token; 8.0 has a third element.
        let result = error::result(&answer)?;
        let signed_in: Vec<&RawValue> = read(result.get().as_bytes())?;
        let [user, token, ..] = signed_in.as_slice() else {
            return Err(Error::Protocol("a session without a token".to_owned()));
        };
        let (user, token): (i64, String) = (read(user.get().as_bytes())?, read(token.get().as_bytes())?);
        let session = STANDARD.encode(format!("{login}:{user}:{token}"));
        let mut header = HeaderValue::try_from(format!("Session {session}"))
            .map_err(|_| Error::Protocol("a session that fits into no header".to_owned()))?;
        header.set_sensitive(true);
        Ok(header)
    }

    async fn send(
        &self,
        url: &str,
        session: Option<&HeaderValue>,
        method: &str,
        parameters: &Value,
    ) -> Result<Answer, Error> {
        // Tryton takes exactly these three members for JSON-RPC.
        let body = json!({"id": 1, "method": method, "params": parameters}).to_string();
        let headers: HeaderMap = session.map(|session| (AUTHORIZATION, session.clone())).into_iter().collect();
        Ok(self.client.post_json(url, &headers, body.as_bytes(), CAPABILITIES.timeout).await?)
    }

    async fn place(&self) -> Result<&Place, Error> {
        self.place.get_or_try_init(|| self.find_place()).await
    }

    /// Finds out which generation answers, and which database is meant.
    async fn find_place(&self) -> Result<Place, Error> {
        let (server, named) = self.server_and_database();
        let mut refused = None;
        for path in GENERATIONS {
            let root = format!("{server}{path}");
            let answer = self.send(&root, None, "common.server.version", &json!([])).await?;
            match error::result(&answer).and_then(|version| read::<String>(version.get().as_bytes())) {
                Ok(version) => {
                    let database = match named {
                        Some(database) => database.to_owned(),
                        None => self.only_database(&root).await?,
                    };
                    return Ok(Place { version, url: format!("{server}/{database}{path}") });
                }
                // The other generation's refusal of the path says nothing; that a server is down does.
                Err(error @ Error::Unavailable { .. }) if answer.status.is_server_error() => refused = Some(error),
                Err(_) => {}
            }
        }
        Err(refused.unwrap_or_else(|| Error::Unsupported("no Tryton answers at this address".to_owned())))
    }

    /// The address without the database, and the database: its own setting, or the last part of the path.
    fn server_and_database(&self) -> (&str, Option<&str>) {
        let url = self.target.url.trim_end_matches('/');
        if let Some(database) = &self.target.database {
            return (url, Some(database));
        }
        let host = url.find("://").map_or(0, |at| at + 3);
        match url[host..].rfind('/') {
            Some(at) => (&url[..host + at], Some(&url[host + at + 1..])),
            None => (url, None),
        }
    }

    async fn only_database(&self, root: &str) -> Result<String, Error> {
        let answer = self.send(root, None, "common.db.list", &json!([])).await?;
        if answer.status == StatusCode::FORBIDDEN {
            let detail = "Tryton does not list its databases: name one with --database, or at the end of the address";
            return Err(Error::Unsupported(detail.to_owned()));
        }
        let mut names: Vec<String> = read(error::result(&answer)?.get().as_bytes())?;
        match names.pop() {
            Some(only) if names.is_empty() => Ok(only),
            last => Err(Error::Choose { option: "--database", names: names.into_iter().chain(last).collect() }),
        }
    }
}
