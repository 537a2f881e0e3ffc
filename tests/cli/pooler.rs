//! Behind `PgBouncer` in transaction mode, which lends another session with each transaction.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::process::{Child, Command, Stdio};

use tokio::task::JoinSet;

use crate::process::{Server, free_port, made_at_the_console_with, one_line, printed, run};
use crate::support::wait::until;
use crate::trouble::{Caller, Place, payments, status, until_ready};

/// Two sessions: fewer than the server has connections, so that each statement may meet another's session.
const SETTINGS: &str = "pool_mode = transaction\ndefault_pool_size = 2\nignore_startup_parameters = extra_float_digits";
const TRANSACTION: &[&str] = &["--database-pooling", "transaction"];

/// A `PgBouncer` before the Postgres of a place. Killed when it is dropped.
struct Pooler {
    child: Child,
    url: String,
}

impl Pooler {
    fn start(place: &Place, port: u16) -> Self {
        let folder = place.folder.path().join("pooler");
        fs::create_dir_all(&folder).expect("a folder");
        let socket = place.data_dir("primary").join("socket");
        let settings = format!(
            "[databases]\nunibooks = host={} port=5432 user=unibooks\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n{SETTINGS}\n",
            socket.display(),
        );
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, settings).expect("a file");
        // It refuses to be root, as Postgres does; whoever owns the socket may use it.
        let owner = fs::metadata(&socket).expect("a socket").uid();
        chown(&folder, Some(owner), None).expect("an owner");
        let mut command = Command::new("pgbouncer");
        if rustix::process::getuid().is_root() {
            command.args(["-u", name_of(owner).as_str()]);
        }
        let child = command.arg(file).stderr(Stdio::null()).spawn().expect("`make test-trouble` installs PgBouncer");
        Self { child, url: format!("postgres://unibooks@127.0.0.1:{port}/unibooks") }
    }

    async fn until_it_listens(&self) {
        let address = self.url.split(['@', '/']).nth(3).expect("an address");
        until("PgBouncer listens", async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn name_of(user: u32) -> String {
    let output = Command::new("id").args(["-un", &user.to_string()]).output().expect("a name");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PgBouncer: make test-trouble"]
async fn everything_works_behind_a_pooler_in_transaction_mode() {
    let place = Place::new();
    let postgres = place.start("primary", &[]).await;
    place.lead_to("primary");
    let port = free_port();
    let pooler = Pooler::start(&place, port);
    pooler.until_it_listens().await;

    let refused = run(&pooler.url, &[&["serve", "--listen", "127.0.0.1:0"], TRANSACTION].concat());
    assert!(one_line(&refused, 1).contains("unibooks migrate --database-pooling session"), "{refused:?}");
    printed(&place.url(), &["migrate"]);
    printed(&pooler.url, &[&["migrate"], TRANSACTION].concat());

    let settings = [("UNIBOOKS_DATABASE_POOLING", "transaction"), ("UNIBOOKS_DATABASE_TIMEOUT", "1")];
    let server = Server::serve_with(&pooler.url, &settings);
    let made = made_at_the_console_with(&pooler.url, TRANSACTION);
    let [key_id, ..] = made.clone();
    let caller = Caller::with(&server, made);
    // Each twice, so that some are stored, some are answered again, and some meet their twins.
    let creates = (0..200).map(|number| {
        let caller = caller.clone();
        async move { caller.create(&format!("key-{}", number / 2)).await }
    });
    assert_eq!(creates.collect::<JoinSet<_>>().join_all().await, [201; 200]);
    assert_eq!(payments(&postgres).await, 100);
    let lists = (0..50).map(|number| {
        let caller = caller.clone();
        async move { caller.list(&format!("idempotency_key=key-{number}")).await }
    });
    for page in lists.collect::<JoinSet<_>>().join_all().await {
        assert_eq!(page["data"].as_array().map(Vec::len), Some(1), "{page}");
    }
    assert_eq!(caller.list("limit=100").await["data"].as_array().map(Vec::len), Some(100));

    drop(pooler);
    assert_eq!(caller.create("while it is away").await, 503);
    assert_eq!(status(&server, "/readyz").await, 503);
    let pooler = Pooler::start(&place, port);
    pooler.until_it_listens().await;
    caller.until_created("while it is away").await;
    until_ready(&server).await;
    assert_eq!(payments(&postgres).await, 101);

    printed(&pooler.url, &[&["api-key", "revoke", &key_id], TRANSACTION].concat());
    until("the revocation counts", async || caller.list("").await["status"] == 401).await;
    server.stop();
}
