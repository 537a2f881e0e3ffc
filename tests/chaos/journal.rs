//! Every answer that a client received, on disk before it counts: all that the comparison finds can be looked up.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// The journal's door. Answers that arrive together share one flush.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Arc<Mutex<File>>,
    lines: UnboundedSender<(String, oneshot::Sender<()>)>,
}

impl Journal {
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join("journal");
        let file = Arc::new(Mutex::new(OpenOptions::new().create(true).append(true).open(&path)?));
        let (lines, waiting) = unbounded_channel();
        let its_file = Arc::clone(&file);
        std::thread::spawn(move || write(&its_file, waiting));
        Ok(Self { path, file, lines })
    }

    /// Writes a line and waits until it is on disk.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn record(&self, line: String) -> anyhow::Result<()> {
        let (written, done) = oneshot::channel();
        self.lines.send((line, written))?;
        Ok(done.await?)
    }

    /// Begins anew, when all that it holds was found good.
    pub fn begin_anew(&self) -> io::Result<()> {
        self.file.lock().expect("no panic").set_len(0)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Ends when the journal is dropped, or when the disk takes no more: then no line is reported as written.
fn write(file: &Mutex<File>, mut waiting: UnboundedReceiver<(String, oneshot::Sender<()>)>) {
    let mut together = Vec::new();
    while waiting.blocking_recv_many(&mut together, 256) > 0 {
        let lines: String = together.iter().flat_map(|(line, _)| [line.as_str(), "\n"]).collect();
        let mut file = file.lock().expect("no panic");
        if file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for (_, written) in together.drain(..) {
            written.send(()).ok();
        }
    }
}
