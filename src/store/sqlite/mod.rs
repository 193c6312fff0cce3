//! The store in a SQLite file: no server, several processes.

mod map;
mod open;
mod rows;
mod runs;
mod tx;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ira_commands::Fault;

use super::backend::Backend;
use super::clock::{Machine, StoreClock, Ticks};
use super::model::GuardRow;
use super::rows::{Res, Rows, Stop};
use tx::Desk;
use writer::{Desks, Writer};

pub(in crate::store) use open::fault;

/// What is done when it is not known any more what is on the disk.
pub type Fatal = Arc<dyn Fn(&Fault) + Send + Sync>;
/// Stands before each commit, in the place of a disk that fails.
pub type Disk = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

/// How a file is opened.
#[derive(Clone)]
pub struct Options {
    /// Where time comes from.
    pub ticks: Arc<dyn Ticks>,
    /// Called once, after everybody who waits was told; the store does nothing any more. Ends the process where nothing
    /// else is given: another process, which finds what is on the disk, goes on.
    pub fatal: Fatal,
    /// At most so many requests in a commit.
    pub batch: usize,
    /// How long another process is waited for.
    pub busy: Duration,
    /// For tests.
    pub before_commit: Option<Disk>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ticks: Arc::new(Machine),
            fatal: Arc::new(|_| {
                // Whoever asked says why; then nothing more is done.
                std::thread::sleep(Duration::from_millis(500));
                std::process::abort();
            }),
            batch: 512,
            busy: Duration::from_secs(10),
            before_commit: None,
        }
    }
}

/// A store in a file.
pub struct Sqlite {
    // Closed before the writer, so that the log belongs to one connection at the end.
    reader: Desks,
    writer: Desks,
    commits: Arc<AtomicU64>,
}

impl Sqlite {
    /// Opens a file, making it where it is missing.
    pub fn open(path: &Path, options: Options) -> Result<Self, Fault> {
        let connection = open::writer(path, options.busy)?;
        let reading = open::reader(path, options.busy)?;
        let high_water = connection
            .query_row("SELECT high_water FROM meta", [], tx::id)
            .map_err(|error| fault(&path.display().to_string(), &error))?;
        let clock = Arc::new(StoreClock::start(Arc::clone(&options.ticks), high_water));
        let commits = Arc::new(AtomicU64::new(0));
        let (counted, times) = (Arc::clone(&commits), Arc::clone(&clock));
        let writer = Desks::start("ira-store", move |jobs| {
            let desk = Desk::new(&connection);
            Writer { desk, clock: times, options, commits: counted }.serve(&jobs);
        })?;
        let reader = Desks::start("ira-store-read", move |jobs| writer::read(&reading, &clock, &jobs))?;
        Ok(Self { reader, writer, commits })
    }

    /// How many commits it made.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

/// What guards count in a file, which is only read.
pub(super) fn guards(path: &Path) -> Result<Vec<GuardRow>, Fault> {
    let connection = open::reader(path, Options::default().busy)?;
    Desk::new(&connection).guards().map_err(|stop| match stop {
        Stop::Fault(fault) => fault,
        Stop::Denied(denial) => denial.into(),
    })
}

impl Backend for Sqlite {
    async fn write<T: Send + 'static>(&self, verb: impl FnOnce(&mut dyn Rows) -> Res<T> + Send + 'static) -> Res<T> {
        self.writer.ask(|desk| verb(desk)).await
    }

    async fn write_whole<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut dyn Rows) -> Res<T> + Send + 'static,
    ) -> Res<T> {
        self.writer.ask_whole(|desk| verb(desk)).await
    }

    async fn read<T: Send + 'static>(&self, verb: impl FnOnce(&dyn Rows) -> Res<T> + Send + 'static) -> Res<T> {
        self.reader.ask(|desk| verb(desk)).await
    }
}
