//! Endpoints under a name that gets another address.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use unibooks::domain::{Clock, WebhookEndpointId};
use unibooks::outgoing::{Client, Resolver};

use crate::calls::{call, site};
use crate::site::{Site, options};
use crate::support::app::{remote, unlimited};

/// An address that may be called, as a public one may.
const ALLOWED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// One that may not be called.
const PRIVATE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A site on which `hooks.example` has the addresses that a test gives it.
struct Named {
    site: Site,
    client: Client,
    addresses: Arc<Mutex<Vec<IpAddr>>>,
    url: String,
    called: Arc<Mutex<Vec<IpAddr>>>,
}

impl Named {
    async fn new() -> Self {
        let mut site = site().await;
        let addresses = Arc::<Mutex<Vec<IpAddr>>>::default();
        let own = Arc::clone(&addresses);
        let resolver = Resolver::new(move |name| {
            assert_eq!(name, "hooks.example");
            Ok(own.lock().expect("whole").clone())
        });
        let networks = ALLOWED.to_string().parse().expect("an address");
        let client = Client::with_resolver(&options(networks), resolver).expect("a client");
        let clock = Clock::system();
        let app = unibooks::app::App::new(&unlimited(), &site.app.database, &clock, remote(), client.clone());
        (site.app.router, site.changes) = (app.router, app.changes);
        let (port, called) = listen().await;
        Self { site, client, addresses, url: format!("http://hooks.example:{port}/hook"), called }
    }

    fn resolves_to(&self, addresses: &[Ipv4Addr]) {
        *self.addresses.lock().expect("whole") = addresses.iter().copied().map(IpAddr::from).collect();
    }

    /// The addresses that were called, in their order.
    fn called(&self) -> Vec<IpAddr> {
        self.called.lock().expect("whole").clone()
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let answer = call(&self.site, &self.site.tenant, method, path, body).await;
        (answer.status.as_u16(), answer.json())
    }

    async fn create(&self) -> (u16, Value) {
        self.call(Method::POST, "/webhooks", Some(json!({ "url": self.url, "scope": ["accounting.*"] }))).await
    }
}

/// A receiver under all addresses of this machine: its port, and under which ones it was called.
async fn listen() -> (u16, Arc<Mutex<Vec<IpAddr>>>) {
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let called = Arc::<Mutex<Vec<IpAddr>>>::default();
    let own = Arc::clone(&called);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            own.lock().expect("whole").push(socket.local_addr().expect("an address").ip());
            let _ = socket.read(&mut [0; 16_384]).await;
            // The next call needs a socket of its own.
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    (port, called)
}

fn id(endpoint: &Value) -> WebhookEndpointId {
    endpoint["id_webhook_endpoint"].as_str().expect("an id").parse().expect("an id")
}

#[tokio::test]
async fn name_that_becomes_private_is_not_called_any_more() {
    let named = Named::new().await;
    let site = &named.site;
    named.resolves_to(&[ALLOWED]);
    let (status, created) = named.create().await;
    assert_eq!(status, 201, "{created}");
    let endpoint = id(&created);
    let _running = site.deliver_by(named.client.clone());
    site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 1).await;
    assert_eq!(named.called(), [ALLOWED]);

    named.resolves_to(&[PRIVATE]);
    site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 2).await;
    let (_, attempts) = named.call(Method::GET, &format!("/webhooks/{endpoint}/attempts"), None).await;
    let refused = &attempts["data"][0];
    assert_eq!(
        (&refused["error"], &refused["status"], &refused["answer"]),
        (&json!("address_not_allowed"), &Value::Null, &Value::Null)
    );
    let (_, tested) = named.call(Method::POST, &format!("/webhooks/{endpoint}/test"), None).await;
    assert_eq!(tested["error"], "address_not_allowed", "{tested}");
    site.pass(Duration::from_secs(6));
    site.stored(endpoint, 3).await;
    assert_eq!(site.outcomes(endpoint).await, ["200", "address_not_allowed", "address_not_allowed"]);
    assert_eq!(named.called(), [ALLOWED], "nothing reached the private address");

    named.resolves_to(&[PRIVATE, ALLOWED]);
    site.pass(Duration::from_mins(6));
    site.stored(endpoint, 4).await;
    assert_eq!(site.outcomes(endpoint).await[3], "200");
    assert_eq!(named.called(), [ALLOWED, ALLOWED]);
}

#[tokio::test]
async fn private_name_is_refused_until_it_is_private_no_more() {
    let named = Named::new().await;
    let refused = json!([{ "pointer": "/url", "code": "address_not_allowed" }]);
    let faults =
        |problem: &Value| json!([{ "pointer": problem["errors"][0]["pointer"], "code": problem["errors"][0]["code"] }]);
    named.resolves_to(&[PRIVATE]);
    for _ in 0..2 {
        let (status, problem) = named.create().await;
        assert_eq!((status, faults(&problem)), (422, refused.clone()), "{problem}");
    }
    named.resolves_to(&[ALLOWED]);
    let (status, created) = named.create().await;
    assert_eq!(status, 201, "{created}");
    named.resolves_to(&[PRIVATE]);
    let change = Some(json!({ "url": named.url }));
    let (status, problem) = named.call(Method::PUT, &format!("/webhooks/{}", id(&created)), change).await;
    assert_eq!((status, faults(&problem)), (422, refused), "{problem}");
    assert_eq!(named.called(), Vec::<IpAddr>::new(), "the checks open no socket");
}
