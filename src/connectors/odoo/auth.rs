//! How calls are signed and made: JSON-2 with an API key (Odoo 19), or JSON-RPC with a user and a password (Odoo 14).

use std::sync::OnceLock;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::TIMEOUT;
use super::error::Failure;
use super::fields::{self, Fields};
use super::reply::{self, Reply};
use crate::connectors::{Error, Target};
use crate::outgoing::{Answer, Client};

/// Calls methods of Odoo's models.
#[derive(Debug)]
pub struct Rpc {
    client: Client,
    /// The address, without a slash at its end.
    base: String,
    database: Option<String>,
    login: Option<String>,
    secret: SecretString,
    company: Option<i64>,
    session: OnceCell<Session>,
    /// Odoo's text when it refused the secret. It is not sent again, because ten wrong ones shut out all users of our
    /// address.
    refused: OnceLock<String>,
}

/// What a sign-in finds.
#[derive(Debug)]
pub struct Session {
    /// The version, like `14.0`.
    pub version: String,
    /// The names of its fields.
    pub fields: &'static Fields,
    transport: Transport,
}

#[derive(Debug)]
enum Transport {
    JsonRpc { database: String, user: i64 },
    Json2(HeaderMap),
}

#[derive(Deserialize)]
struct Version {
    server_version: String,
    server_version_info: (Value, IgnoredAny, IgnoredAny, IgnoredAny, IgnoredAny, IgnoredAny),
}

impl Rpc {
    /// Nothing is sent yet.
    pub fn new(target: &Target, client: Client) -> Self {
        Self {
            client,
            base: target.url.trim_end_matches('/').to_owned(),
            database: target.database.clone(),
            login: target.login.clone(),
            secret: target.secret.clone(),
            company: target.company.as_ref().and_then(|company| company.as_str().parse().ok()),
            session: OnceCell::new(),
            refused: OnceLock::new(),
        }
    }

    /// The company whose books these are; `None` until one is chosen.
    pub fn company(&self) -> Option<i64> {
        self.company
    }

    /// Signs in, once.
    ///
    /// # Errors
    /// When Odoo cannot be reached, is another version, or refuses the secret.
    pub async fn session(&self) -> Result<&Session, Error> {
        match self.refused.get() {
            Some(text) => Err(Error::Unauthorized(text.clone())),
            None => self.session.get_or_try_init(|| self.sign_in()).await,
        }
    }

    /// Calls a method of a model, on records or on the model itself.
    ///
    /// # Errors
    /// What Odoo's error means, or why there is no answer.
    pub async fn call<T: DeserializeOwned>(
        &self,
        model: &str,
        method: &str,
        ids: Option<&[i64]>,
        arguments: Value,
    ) -> Result<T, Error> {
        self.attempt(model, method, ids, arguments).await?.parse()
    }

    /// The same, where the caller looks at Odoo's error.
    pub async fn attempt(
        &self,
        model: &str,
        method: &str,
        ids: Option<&[i64]>,
        mut arguments: Value,
    ) -> Result<Reply, Failure> {
        let session = self.session().await?;
        // Without a company Odoo mixes those of the user. Error tables are of English texts.
        let mut context = json!({"lang": "en_US"});
        if let Some(company) = self.company {
            context["allowed_company_ids"] = json!([company]);
        }
        if let Some(Value::Object(own)) = arguments.as_object_mut().and_then(|members| members.remove("context")) {
            context.as_object_mut().into_iter().for_each(|context| context.extend(own.clone()));
        }
        arguments["context"] = context;
        let reply = match &session.transport {
            Transport::Json2(headers) => {
                if let Some(ids) = ids {
                    arguments["ids"] = json!(ids);
                }
                let answer = self.post(&format!("/json/2/{model}/{method}"), headers, &arguments).await?;
                reply::of_json2(&answer)
            }
            Transport::JsonRpc { database, user } => {
                let positional: Vec<_> = ids.into_iter().collect();
                let secret = self.secret.expose_secret();
                self.service(
                    "object",
                    "execute_kw",
                    json!([database, user, secret, model, method, positional, arguments]),
                )
                .await
            }
        };
        if let Err(Failure::Refused(refusal)) = &reply
            && refusal.is_access_denied()
        {
            let _ = self.refused.set(refusal.message.clone());
        }
        reply
    }

    async fn sign_in(&self) -> Result<Session, Error> {
        let version: Version = self.route("/web/webclient/version_info").await.map_err(Error::from)?.parse()?;
        let major = version.server_version_info.0.as_u64().and_then(|major| u32::try_from(major).ok());
        let fields = fields::of(&version.server_version, major.unwrap_or_default())?;
        let transport = if fields.has_json2 { Transport::Json2(self.bearer()?) } else { self.authenticate().await? };
        Ok(Session { version: version.server_version, fields, transport })
    }

    fn bearer(&self) -> Result<HeaderMap, Error> {
        let unfit =
            |_| Error::Unauthorized("the API key or the database has characters that no header can have".to_owned());
        let mut key = HeaderValue::try_from(format!("bearer {}", self.secret.expose_secret())).map_err(unfit)?;
        key.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([(AUTHORIZATION, key)]);
        if let Some(database) = &self.database {
            let database = HeaderValue::try_from(database).map_err(unfit)?;
            headers.insert(HeaderName::from_static("x-odoo-database"), database);
        }
        Ok(headers)
    }

    async fn authenticate(&self) -> Result<Transport, Error> {
        let Some(login) = &self.login else {
            return Err(Error::Unsupported("this version of Odoo needs a user to sign in as (--login)".to_owned()));
        };
        let database = match &self.database {
            Some(database) => database.clone(),
            None => self.only_database().await?,
        };
        let secret = self.secret.expose_secret();
        let user: Value = self
            .service("common", "authenticate", json!([database, login, secret, {}]))
            .await
            .map_err(Error::from)?
            .parse()?;
        if let Some(user) = user.as_i64() {
            return Ok(Transport::JsonRpc { database, user });
        }
        // `false` is a wrong password, or too many of them from our address. A call says which; user 1 cannot sign in.
        let probe = json!([database, 1, secret, "res.users", "context_get", [], {}]);
        let refused = match self.service("object", "execute_kw", probe).await {
            Err(Failure::Refused(refusal)) if !refusal.is_access_denied() => return Err(refusal.into()),
            Err(Failure::Other(error)) => return Err(error),
            _ => format!("{login} does not exist, or the password is wrong"),
        };
        let _ = self.refused.set(refused.clone());
        Err(Error::Unauthorized(refused))
    }

    async fn only_database(&self) -> Result<String, Error> {
        let listed = self.route("/web/database/list").await;
        if let Err(Failure::Refused(_)) = listed {
            return Err(Error::Unsupported("Odoo does not list its databases; name one with --database".to_owned()));
        }
        let mut names: Vec<String> = listed.map_err(Error::from)?.parse()?;
        match names.pop() {
            Some(name) if names.is_empty() => Ok(name),
            Some(name) => {
                names.push(name);
                Err(Error::Choose { option: "--database", names })
            }
            None => Err(Error::Unsupported("Odoo has no database".to_owned())),
        }
    }

    async fn service(&self, service: &str, method: &str, args: Value) -> Result<Reply, Failure> {
        self.json_rpc("/jsonrpc", json!({"service": service, "method": method, "args": args})).await
    }

    async fn route(&self, path: &str) -> Result<Reply, Failure> {
        self.json_rpc(path, json!({})).await
    }

    async fn json_rpc(&self, path: &str, params: Value) -> Result<Reply, Failure> {
        let request = json!({"jsonrpc": "2.0", "method": "call", "id": 1, "params": params});
        reply::of_json_rpc(&self.post(path, &HeaderMap::new(), &request).await?)
    }

    async fn post(&self, path: &str, headers: &HeaderMap, body: &Value) -> Result<Answer, Error> {
        let url = format!("{}{path}", self.base);
        Ok(self.client.post_json(&url, headers, body.to_string().as_bytes(), TIMEOUT).await?)
    }
}
