//! A file is made until so much of a file system is in use, and removed.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use async_trait::async_trait;
use ira_commands::{Fault, Kind};
use rustix::fs::statvfs;

use super::{Breaks, unmarked};

/// The file that marks a folder.
const MARK: &str = ".ira-drill-safe";
/// Bytes in a MiB.
const MIB: u64 = 1 << 20;

pub(super) struct Disk {
    folder: PathBuf,
    file: PathBuf,
    percent: u64,
    most: u64,
}

impl Disk {
    pub(super) fn new(name: &str, folder: PathBuf, percent: u64, most: u64) -> Self {
        let file = folder.join(format!("ira-drill-{name}.fill"));
        Self { folder, file, percent, most }
    }

    fn cannot(&self, error: impl std::fmt::Display) -> Fault {
        Fault::new(Kind::Failed, format!("{} cannot be filled", self.folder.display())).because(error.to_string())
    }

    /// How many bytes the file is to have: what lacks until so much is in use of what anybody may use, never more than the
    /// bound.
    fn wanted(&self) -> Result<u64, Fault> {
        let known = statvfs(&self.folder).map_err(|error| self.cannot(error))?;
        let free = known.f_bavail.saturating_mul(known.f_frsize);
        let used = known.f_blocks.saturating_sub(known.f_bfree).saturating_mul(known.f_frsize);
        let goal = (used + free) / 100 * self.percent;
        let wanted = goal.saturating_sub(used);
        if wanted == 0 {
            return Err(Fault::new(
                Kind::Denied,
                format!("{} is over {} % full already", self.folder.display(), self.percent),
            ));
        }
        if wanted > self.most.saturating_mul(MIB) {
            let why =
                format!("{} % of it takes {} MiB more, and {} are allowed", self.percent, wanted / MIB, self.most);
            return Err(Fault::new(Kind::Denied, format!("{}: {why}", self.folder.display()))
                .hint("raise `most`, or name a smaller file system"));
        }
        Ok(wanted)
    }
}

#[async_trait]
impl Breaks for Disk {
    async fn look(&self) -> Result<String, Fault> {
        if !self.folder.join(MARK).is_file() {
            let folder = self.folder.display();
            return Err(unmarked(&folder.to_string(), &format!("touch {folder}/{MARK}")));
        }
        let wanted = self.wanted()?;
        Ok(format!("{} of {} MiB is made; it is removed", self.file.display(), wanted.div_ceil(MIB)))
    }

    async fn begin(&mut self) -> Result<String, Fault> {
        let wanted = self.wanted()?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.file);
        let file = file.map_err(|error| self.cannot(error))?;
        if let Err(error) = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, wanted) {
            // It is of no use half as long.
            let _removed = std::fs::remove_file(&self.file);
            return Err(self.cannot(error));
        }
        Ok(format!("{} has {} MiB", self.file.display(), wanted / MIB))
    }

    async fn end(&mut self) -> Result<String, Fault> {
        match std::fs::remove_file(&self.file) {
            Ok(()) => Ok(format!("{} is removed", self.file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(self.cannot(error)),
        }
    }
}
