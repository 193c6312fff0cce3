//! What a script writes: kept up to a cap, its beginning and its end; counted and hashed whole.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use ira_commands::units::digits;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use sha2::{Digest as _, Sha256};

use crate::clients::script::files::{Spilled, create};

/// What is kept of the beginning, bytes.
const HEAD: u64 = 1 << 20;
/// The most that is taken at a time, bytes.
const CHUNK: usize = 64 << 10;
/// What is kept of the end.
const TAIL: usize = 64 << 10;

/// One output, as it is written to its file, which is made with its first byte.
pub(super) struct Output {
    /// Where it comes from, until its end.
    from: Option<OwnedFd>,
    path: PathBuf,
    file: Option<File>,
    kept: u64,
    bytes: u64,
    digest: Sha256,
    tail: VecDeque<u8>,
}

impl Output {
    pub(super) fn new(path: PathBuf, from: Option<OwnedFd>) -> Self {
        Self { from, path, file: None, kept: 0, bytes: 0, digest: Sha256::new(), tail: VecDeque::new() }
    }

    /// What is to be waited for; `None` after its end.
    pub(super) fn source(&self) -> Option<&OwnedFd> {
        self.from.as_ref()
    }

    /// Takes what there is; waits where there is nothing.
    pub(super) fn read(&mut self) {
        let Some(from) = &self.from else { return };
        let mut buffer = vec![0; CHUNK];
        match rustix::io::read(from, &mut buffer) {
            Ok(count) if count > 0 => self.push(&buffer[..count]),
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => self.from = None,
        }
    }

    /// Takes what there is, if there is anything.
    pub(super) fn read_ready(&mut self) {
        let Some(from) = &self.from else { return };
        let mut fds = [PollFd::new(from, PollFlags::IN)];
        if poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0) {
            self.read();
        }
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

    /// What it was, the file complete and on the disk.
    pub(super) fn finish(mut self) -> Spilled {
        let lost = self.bytes - self.kept - self.tail.len() as u64;
        let tail: Vec<u8> = self.tail.drain(..).collect();
        if lost > 0 {
            let _lost_too = self.write(format!("\n… {lost} bytes are left out here …\n").as_bytes());
        }
        let _lost_too = self.write(&tail);
        if let Some(file) = &self.file {
            let _lost_too = file.sync_all();
        }
        Spilled { bytes: self.bytes, sha256: digits(&self.digest.finalize()) }
    }
}
