//! A TCP link to accounting software that cuts chosen requests off, or delays them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// Where a request is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// The software never gets it.
    Before,
    /// The software gets the first half of it.
    #[allow(dead_code, reason = "only `make chaos-remote` does this")]
    Within,
    /// The software does it, and its answer is lost.
    Answer,
    /// The software gets it late, whether the client still waits or not.
    #[allow(dead_code, reason = "only `make chaos-remote` does this")]
    Late,
}

impl Cut {
    /// All of them.
    #[allow(dead_code, reason = "only `make chaos-remote` chooses among them")]
    pub const ALL: [Self; 4] = [Self::Before, Self::Within, Self::Answer, Self::Late];
}

/// How late a late request is.
const DELAY: Duration = Duration::from_secs(6);

/// A listening link to one server. It ends with the runtime.
pub struct Cutter {
    address: SocketAddr,
    armed: Arc<Mutex<Vec<(&'static str, Cut)>>>,
}

impl Cutter {
    /// A link to the server at `to`, as `host:port`.
    pub async fn to(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let armed = Arc::<Mutex<Vec<_>>>::default();
        let cuts = Arc::clone(&armed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, to.clone(), Arc::clone(&cuts)));
            }
        });
        Self { address, armed }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts off the next request that contains `needle`.
    pub fn cut(&self, needle: &'static str, cut: Cut) {
        self.armed.lock().expect("no panic").push((needle, cut));
    }

    /// Makes no further cut.
    #[allow(dead_code, reason = "only `make chaos-remote` gives up a cut")]
    pub fn disarm(&self) {
        self.armed.lock().expect("no panic").clear();
    }

    /// Whether no cut is left to be made.
    pub fn has_cut(&self) -> bool {
        self.armed.lock().expect("no panic").is_empty()
    }
}

/// Passes bytes between the two sides until one of them closes, or a cut ends both.
async fn pass(client: TcpStream, to: String, armed: Arc<Mutex<Vec<(&'static str, Cut)>>>) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let (mut seen, mut request, mut answer) = (Vec::new(), vec![0; 65_536], vec![0; 65_536]);
    let mut is_answer_lost = false;
    loop {
        tokio::select! {
            read = from_client.read(&mut request) => {
                let Ok(count @ 1..) = read else { return };
                // A request may come in several pieces.
                seen.extend_from_slice(&request[..count]);
                let taken = {
                    let mut armed = armed.lock().expect("no panic");
                    let which = armed.iter().position(|(needle, _)| contains(&seen, needle));
                    which.map(|which| armed.remove(which))
                };
                match taken {
                    Some((_, Cut::Before)) => return,
                    Some((_, Cut::Within)) => {
                        to_server.write_all(&request[..count / 2]).await.ok();
                        return;
                    }
                    Some((_, Cut::Answer)) => is_answer_lost = true,
                    Some((_, Cut::Late)) => sleep(DELAY).await,
                    None => {}
                }
                if to_server.write_all(&request[..count]).await.is_err() {
                    return;
                }
            }
            read = from_server.read(&mut answer) => {
                let Ok(count @ 1..) = read else { return };
                if is_answer_lost {
                    return;
                }
                seen.clear();
                if to_client.write_all(&answer[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn contains(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}
