//! The client for calls to other people's servers.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT};
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, BodyLimit};
use super::connector::Connector;
use super::error::{Error, Kind};
use super::networks::Networks;
use super::resolver::Resolver;
use super::tls;

/// How long an unused socket is kept for the next call. Servers close theirs after some seconds; a socket that is closed
/// first on this side cannot fail under a request.
const IDLE_LIMIT: Duration = Duration::from_secs(4);

/// How calls are made.
#[derive(Debug, Clone)]
pub struct Options {
    /// The addresses that may be called.
    pub networks: Networks,
    /// The setting that lists them, for the texts of refusals.
    pub networks_setting: &'static str,
    /// A PEM file of certificates that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How long it may take to resolve the name, to connect, and to agree on TLS.
    pub connect_timeout: Duration,
    /// How much of an answer is read.
    pub answer_limit: BodyLimit,
    /// The most unused sockets that are kept for each host.
    pub max_idle_per_host: usize,
}

/// Makes calls over HTTP/1.1. Cheap to clone: all clones share their sockets.
///
/// It follows no redirect, keeps no cookie, and takes no proxy from the environment.
#[derive(Debug, Clone)]
pub struct Client {
    http: legacy::Client<Connector, Full<Bytes>>,
    connector: Connector,
    answer_limit: BodyLimit,
}

impl Client {
    /// Reads the certificates, and makes a client.
    ///
    /// # Errors
    /// When the file of own certificates cannot be used.
    pub fn new(options: &Options) -> io::Result<Self> {
        Self::with_resolver(options, Resolver::system())
    }

    /// Makes a client that asks `resolver` for the addresses of names.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_resolver(options: &Options, resolver: Resolver) -> io::Result<Self> {
        let connector = Connector {
            resolver,
            networks: Arc::new(options.networks.clone()),
            networks_setting: options.networks_setting,
            tls: tls::connector(options.ca_file.as_deref())?,
            limit: options.connect_timeout,
        };
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(options.max_idle_per_host)
            .build(connector.clone());
        Ok(Self { http, connector, answer_limit: options.answer_limit })
    }

    /// Whether the host of a URL may be called now: resolves its name, and opens no socket. Each call checks again.
    ///
    /// # Errors
    /// When the URL cannot be called, its name cannot be resolved, or none of its addresses may be called.
    pub async fn check_reach(&self, url: &str) -> Result<(), Error> {
        let request = request(Method::GET, url, &HeaderMap::new(), Bytes::new())?;
        check(request.uri())?;
        self.connector.check_reach(request.uri()).await
    }

    /// Reads a URL.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn get(&self, url: &str, headers: &HeaderMap, timeout: Duration) -> Result<Answer, Error> {
        self.send(request(Method::GET, url, headers, Bytes::new())?, timeout).await
    }

    /// Sends a JSON text.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn post_json(
        &self,
        url: &str,
        headers: &HeaderMap,
        json: &[u8],
        timeout: Duration,
    ) -> Result<Answer, Error> {
        let mut request = request(Method::POST, url, headers, Bytes::copy_from_slice(json))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(request, timeout).await
    }

    /// Sends a request and reads the whole answer, both within `timeout`. A request is sent again only when an unused
    /// socket was closed before a byte of it was written.
    ///
    /// # Errors
    /// Every way in which there is no answer, and whether the request can have been received. An answer with an error
    /// status is an answer.
    pub async fn send(&self, request: Request<Bytes>, timeout: Duration) -> Result<Answer, Error> {
        let (mut request, end) = (self.prepare(request)?, Instant::now() + timeout);
        // Has the socket as soon as the request is handed to one, so that we know whether it can have been sent.
        let socket = capture_connection(&mut request);
        let late = || {
            let detail = format!("no whole answer within {} seconds", timeout.as_secs());
            let is_sent = socket.connection_metadata().is_some();
            if is_sent { Error::after(Kind::Timeout, detail) } else { Error::before(Kind::Timeout, detail) }
        };
        let response = timeout_at(end, self.http.request(request)).await.map_err(|_| late())?;
        Answer::read(response.map_err(|error| no_response(&error))?, self.answer_limit, end, late).await
    }

    /// Opens an answer that goes on: its head must come within `timeout`, and its body is left to the caller.
    ///
    /// # Errors
    /// Every way in which no head comes.
    pub async fn open(&self, url: &str, headers: &HeaderMap, timeout: Duration) -> Result<Response<Incoming>, Error> {
        let request = self.prepare(request(Method::GET, url, headers, Bytes::new())?)?;
        let late = |_| Error::after(Kind::Timeout, format!("no answer within {} seconds", timeout.as_secs()));
        let response = tokio::time::timeout(timeout, self.http.request(request)).await.map_err(late)?;
        response.map_err(|error| no_response(&error))
    }

    /// The request with the headers of every call, if its URL can be called.
    fn prepare(&self, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, Error> {
        check(request.uri())?;
        let mut request = request.map(Full::new);
        let headers = request.headers_mut();
        // Some servers compress every answer, and say so only when they were asked to.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(self.answer_limit.encoding()));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(concat!("unibooks/", env!("CARGO_PKG_VERSION"))));
        Ok(request)
    }
}

fn request(method: Method, url: &str, headers: &HeaderMap, body: Bytes) -> Result<Request<Bytes>, Error> {
    let uri: Uri = url.parse().map_err(|error| Error::before(Kind::InvalidUrl, format!("not a URL: {error}")))?;
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    request.headers_mut().clone_from(headers);
    Ok(request)
}

/// Whether a text is a URL that can be called, as far as can be seen without calling it.
///
/// # Errors
/// [`Kind::InvalidUrl`].
pub fn check_url(url: &str) -> Result<(), Error> {
    check(request(Method::GET, url, &HeaderMap::new(), Bytes::new())?.uri())
}

/// Refuses a URL that cannot be called. A user and password in it would end up in texts that people read.
fn check(uri: &Uri) -> Result<(), Error> {
    let is_http = uri.scheme().is_some_and(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
    let reason = match uri.authority() {
        Some(authority) if authority.as_str().contains('@') => "the URL has a user or a password in it",
        Some(authority) if is_http && !authority.host().is_empty() => return Ok(()),
        _ => "the URL does not begin with https://host or http://host",
    };
    Err(Error::before(Kind::InvalidUrl, reason))
}

/// Why no head of an answer came.
fn no_response(error: &legacy::Error) -> Error {
    let cause = error.source();
    if let Some(own) = cause.and_then(|cause| cause.downcast_ref::<Error>()) {
        return own.clone();
    }
    let detail = cause.map_or_else(|| error.to_string(), ToString::to_string);
    if error.is_connect() {
        return Error::before(Kind::NotConnected, format!("no connection: {detail}"));
    }
    let is_parse = cause.and_then(|cause| cause.downcast_ref::<hyper::Error>()).is_some_and(hyper::Error::is_parse);
    let kind = if is_parse { Kind::Malformed } else { Kind::Interrupted };
    Error::after(kind, format!("no answer came: {detail}"))
}
