//! A TCP link to accounting software that cuts chosen requests off, delays them, or holds them back.

#[path = "hold.rs"]
#[allow(dead_code, reason = "only `make chaos-remote` holds requests back")]
mod hold;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

#[allow(unused_imports, reason = "only `make chaos-remote` holds requests back")]
pub use self::hold::Held;
use self::hold::{Hold, hold};

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

/// What happens to a request.
enum Action {
    Cut(Cut),
    Hold(Hold),
}

/// What happens to the next request that contains some texts.
type Armed = (Vec<String>, Action);

/// A listening link to one server. It ends with the runtime.
pub struct Cutter {
    address: SocketAddr,
    armed: Arc<Mutex<Vec<Armed>>>,
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
    pub fn cut(&self, needle: &str, cut: Cut) {
        self.arm(vec![needle.to_owned()], Action::Cut(cut));
    }

    /// Holds back the next request that contains all of these.
    #[allow(dead_code, reason = "only `make chaos-remote` holds requests back")]
    pub fn hold(&self, needles: Vec<String>) -> Held {
        let (of_link, of_test) = hold();
        self.arm(needles, Action::Hold(of_link));
        of_test
    }

    fn arm(&self, needles: Vec<String>, action: Action) {
        self.armed.lock().expect("no panic").push((needles, action));
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
async fn pass(client: TcpStream, to: String, armed: Arc<Mutex<Vec<Armed>>>) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let (mut seen, mut request, mut answer) = (Vec::new(), vec![0; 65_536], vec![0; 65_536]);
    let (mut is_answer_lost, mut awaited) = (false, None::<Hold>);
    loop {
        tokio::select! {
            // A request that was held back is answered, whether the client still waits or not.
            read = from_client.read(&mut request), if awaited.is_none() => {
                let Ok(count @ 1..) = read else { return };
                // A request may come in several pieces.
                seen.extend_from_slice(&request[..count]);
                match take(&armed, &seen) {
                    Some(Action::Cut(Cut::Before)) => return,
                    Some(Action::Cut(Cut::Within)) => {
                        to_server.write_all(&request[..count / 2]).await.ok();
                        return;
                    }
                    Some(Action::Cut(Cut::Answer)) => is_answer_lost = true,
                    Some(Action::Cut(Cut::Late)) => sleep(DELAY).await,
                    Some(Action::Hold(mut hold)) => {
                        hold.until_released(&seen).await;
                        awaited = Some(hold);
                    }
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
                awaited = None;
                seen.clear();
                if to_client.write_all(&answer[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What happens to a request, of which this is seen so far.
fn take(armed: &Mutex<Vec<Armed>>, seen: &[u8]) -> Option<Action> {
    let mut armed = armed.lock().expect("no panic");
    let which = armed.iter().position(|(needles, _)| needles.iter().all(|needle| contains(seen, needle)))?;
    Some(armed.remove(which).1)
}

fn contains(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}
