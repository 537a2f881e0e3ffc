//! A journal on disk of every answer that a client received. An answer is recorded before it counts, so that each
//! violation can be traced to its answers.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// A handle to the journal's writer thread. Answers that arrive together share one flush.
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
        let writer = Arc::clone(&file);
        std::thread::spawn(move || write(&writer, waiting));
        Ok(Self { path, file, lines })
    }

    /// Writes a line and waits until it is on disk.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub async fn record(&self, line: String) -> anyhow::Result<()> {
        let (written, done) = oneshot::channel();
        self.lines.send((line, written))?;
        Ok(done.await?)
    }

    /// Removes all lines, after they were checked.
    pub fn clear(&self) -> io::Result<()> {
        self.file.lock().expect("no panic").set_len(0)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes lines until the journal is dropped or a write fails. After a failure no line is confirmed.
fn write(file: &Mutex<File>, mut waiting: UnboundedReceiver<(String, oneshot::Sender<()>)>) {
    let mut batch = Vec::new();
    while waiting.blocking_recv_many(&mut batch, 256) > 0 {
        let lines: String = batch.iter().flat_map(|(line, _)| [line.as_str(), "\n"]).collect();
        let mut file = file.lock().expect("no panic");
        if file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for (_, written) in batch.drain(..) {
            written.send(()).ok();
        }
    }
}
