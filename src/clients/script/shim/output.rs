//! What a script writes: kept up to a cap, its beginning and its end; counted and hashed whole.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ira_commands::units::digits;
use sha2::{Digest as _, Sha256};

use crate::clients::script::files::{Spilled, create};

/// What is kept of the beginning, bytes.
const HEAD: u64 = 1 << 20;
/// What is kept of the end.
const TAIL: usize = 64 << 10;

/// One output, as it is written to its file, which is made with its first byte.
pub(super) struct Output {
    path: PathBuf,
    file: Option<File>,
    kept: u64,
    bytes: u64,
    digest: Sha256,
    tail: VecDeque<u8>,
}

/// An output that is being read.
pub(super) struct Followed {
    output: Arc<Mutex<Output>>,
    ended: Receiver<()>,
}

impl Output {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None, kept: 0, bytes: 0, digest: Sha256::new(), tail: VecDeque::new() }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => create(&self.path)?,
        };
        self.file.insert(file).write_all(bytes)
    }

    fn push(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        let room = usize::try_from(HEAD - self.kept).unwrap_or(usize::MAX).min(bytes.len());
        let (head, rest) = bytes.split_at(room);
        // A full disk must not stop the script: what it wrote is then lost, and counted all the same.
        let _lost = self.write(head);
        self.kept += room as u64;
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
    }

    /// Reads `from` to its end on a thread of its own.
    pub(super) fn follow(self, from: Option<impl Read + Send + 'static>) -> Followed {
        let output = Arc::new(Mutex::new(self));
        let (send, ended) = mpsc::channel();
        let shared = Arc::clone(&output);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            if let Some(mut from) = from {
                loop {
                    match from.read(&mut buffer) {
                        Ok(0) => break,
                        Ok(count) => lock(&shared).push(&buffer[..count]),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(_) => break,
                    }
                }
            }
            drop(send);
        });
        Followed { output, ended }
    }
}

impl Followed {
    /// To be called when nothing writes any more. A process that could not be ended may hold it open: not waited for.
    pub(super) fn finish(self) -> Spilled {
        let _ended_or_not = self.ended.recv_timeout(Duration::from_secs(2));
        let mut output = lock(&self.output);
        let lost = output.bytes - output.kept - output.tail.len() as u64;
        let tail: Vec<u8> = output.tail.drain(..).collect();
        if lost > 0 {
            let _lost_too = output.write(format!("\n… {lost} bytes are left out here …\n").as_bytes());
        }
        let _lost_too = output.write(&tail);
        if let Some(file) = &output.file {
            let _lost_too = file.sync_all();
        }
        Spilled { bytes: output.bytes, sha256: digits(&output.digest.clone().finalize()) }
    }
}

fn lock(output: &Mutex<Output>) -> MutexGuard<'_, Output> {
    output.lock().unwrap_or_else(PoisonError::into_inner)
}
