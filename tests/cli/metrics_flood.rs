//! More client connections to the metrics listener than the process may open files.

use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use crate::overload::{ask, connect};
use crate::process::{Server, free_port, serve_command};
use crate::support::postgres;

/// The command, with a limit of `most` open files for its process.
fn with_open_files(most: u32, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
    shell.arg("-c").arg(script).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.current_dir(command.get_current_dir().expect("a folder"));
    shell
}

#[tokio::test]
async fn silent_metrics_clients_leave_the_api_its_open_files() {
    let url = postgres::url(&postgres::migrated().await).await;
    let metrics = format!("127.0.0.1:{}", free_port());
    // With this timeout a client may be silent for 400 seconds.
    let settings = [("UNIBOOKS_METRICS_LISTEN", metrics.as_str()), ("UNIBOOKS_REQUEST_TIMEOUT", "600")];
    let mut server = Server::start(with_open_files(300, &serve_command(&url, &settings)));
    let silent: Vec<_> = (0..400).map(|_| TcpStream::connect(&metrics).expect("connected")).collect();

    // This request waits until the silent clients have made room.
    let collector = TcpStream::connect(&metrics).expect("connected");
    collector.set_read_timeout(Some(Duration::from_mins(1))).expect("a bound");
    for probe in ["/livez", "/readyz"] {
        assert!(ask(&connect(&server), probe).starts_with("HTTP/1.1 200"), "{probe}");
    }
    let answer = ask(&collector, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("unibooks_payment_queue_bytes"), "{answer}");
    drop(silent);

    server.signal("TERM");
    let stopped = server.wait_for_log("stopped");
    assert_eq!(stopped["level"], "INFO");
    assert!(!server.log.iter().any(|line| line.contains("no client connection can be accepted")), "{:#?}", server.log);
}
