//! Servers on real sockets that answer as a test says.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a server does after it has answered.
#[derive(Clone, Copy)]
pub enum Then {
    Close,
    /// Keeps the socket open and is silent.
    Stall,
    /// Reads the next request.
    Next,
}

/// A server that answers every request with the same bytes.
pub struct Peer {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// The address that the client called, for each socket.
    called: Vec<IpAddr>,
    requests: Vec<String>,
}

impl Peer {
    pub async fn start(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        Self::listen(answer.into(), then, None).await
    }

    /// A server with TLS and a certificate for the name `localhost`.
    pub async fn start_tls(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        let chain = CertificateDer::pem_file_iter(certificate("server.pem")).expect("a file");
        let chain = chain.collect::<Result<_, _>>().expect("certificates");
        let key = PrivateKeyDer::from_pem_file(certificate("server.key")).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a certificate");
        Self::listen(answer.into(), then, Some(Arc::new(config).into())).await
    }

    async fn listen(answer: Vec<u8>, then: Then, tls: Option<TlsAcceptor>) -> Self {
        // Every address of this machine, so that a call of the wrong one is seen.
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Mutex<Seen>>::default();
        let peer = Self { address, seen: Arc::clone(&seen) };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                seen.lock().expect("no panic").called.push(socket.local_addr().expect("an address").ip());
                let (answer, tls, seen) = (answer.clone(), tls.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    match tls {
                        None => serve(socket, &answer, then, &seen).await,
                        Some(tls) => {
                            if let Ok(socket) = tls.accept(socket).await {
                                serve(socket, &answer, then, &seen).await;
                            }
                        }
                    }
                });
            }
        });
        peer
    }

    /// How many sockets clients opened.
    pub fn sockets(&self) -> usize {
        self.called().len()
    }

    /// The address under which each of them was opened.
    pub fn called(&self) -> Vec<IpAddr> {
        self.seen.lock().expect("no panic").called.clone()
    }

    /// The requests that arrived, heads and bodies.
    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").requests.clone()
    }

    /// A URL of this server under another name, with a secret that no error may repeat.
    pub fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}/path?key=hunter2", self.address.port())
    }
}

async fn serve(mut socket: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8], then: Then, seen: &Mutex<Seen>) {
    while let Some(request) = read(&mut socket).await {
        seen.lock().expect("no panic").requests.push(request);
        // The client may have gone.
        let _ = socket.write_all(answer).await;
        let _ = socket.flush().await;
        match then {
            Then::Close => {
                let _ = socket.shutdown().await;
                return;
            }
            Then::Stall => std::future::pending().await,
            Then::Next => {}
        }
    }
}

/// A whole request.
async fn read(socket: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut buffer = [0; 4_096];
        let count = socket.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        text += std::str::from_utf8(&buffer[..count]).expect("ASCII");
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("a length")) {
                return Some(text);
            }
        }
    }
}

/// A whole answer.
pub fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// A file beside this one: the certificate `ca.pem`, and what it signed for the name `localhost`, valid for a century.
pub fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outgoing/certificates").join(name)
}
