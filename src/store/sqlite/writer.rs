//! The threads that have the connections. The one that writes takes as many requests into a commit as are waiting: the
//! commit is what costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use ira_commands::{Fault, Kind};
use rusqlite::{Connection, ErrorCode};

use super::tx::{Columns, Desk, int};
use super::{Options, fault};
use crate::store::clock::StoreClock;
use crate::store::fail;
use crate::store::rows::{Res, RunRows as _, Stop};

/// So many requests in a commit are a crowd …
const CROWD: usize = 4;
/// … that is waited for so small a part of the time that the commit took …
const PATIENCE: u32 = 8;
/// … and for this long at most.
const LONGEST: Duration = Duration::from_millis(2);

/// Something to be done in a transaction, and answered after it.
pub(super) trait Job: Send {
    /// Does it; whether it is to be kept.
    fn run(&mut self, desk: &mut Desk<'_>) -> bool;

    /// Whether it stops only before it has written anything.
    fn is_whole(&self) -> bool;

    /// Tells whoever asked, once it is on the disk. A fault means that it is not, or may not be.
    fn answer(self: Box<Self>, failed: Option<&Fault>);
}

struct Typed<T, F> {
    verb: Option<F>,
    whole: bool,
    done: Option<Res<T>>,
    asked: oneshot::Sender<Res<T>>,
}

impl<T: Send, F: FnOnce(&mut Desk<'_>) -> Res<T> + Send> Job for Typed<T, F> {
    fn run(&mut self, desk: &mut Desk<'_>) -> bool {
        self.done = self.verb.take().map(|verb| verb(desk));
        matches!(self.done, Some(Ok(_)))
    }

    fn is_whole(&self) -> bool {
        self.whole
    }

    fn answer(self: Box<Self>, failed: Option<&Fault>) {
        let answer = match (failed, self.done) {
            (Some(fault), _) => Err(Stop::Fault(fault.clone())),
            (None, Some(done)) => done,
            (None, None) => return,
        };
        // Who does not wait any more needs no answer.
        drop(self.asked.send(answer));
    }
}

/// A thread with a connection, and the way to it.
pub(super) struct Desks {
    jobs: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Desks {
    pub(super) fn start(name: &str, work: impl FnOnce(Receiver<Box<dyn Job>>) + Send + 'static) -> Result<Self, Fault> {
        let (jobs, receiver) = channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || work(receiver));
        let thread = thread.map_err(|error| {
            Fault::new(Kind::Failed, "the store's thread cannot be started").because(error.to_string())
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    pub(super) async fn ask<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Desk<'_>) -> Res<T> + Send + 'static,
    ) -> Res<T> {
        self.asked(verb, false).await
    }

    /// The same of what stops only before it has written anything.
    pub(super) async fn ask_whole<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Desk<'_>) -> Res<T> + Send + 'static,
    ) -> Res<T> {
        self.asked(verb, true).await
    }

    async fn asked<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Desk<'_>) -> Res<T> + Send + 'static,
        whole: bool,
    ) -> Res<T> {
        let gone = || Stop::Fault(Fault::new(Kind::Failed, "the store is gone: its thread has ended"));
        let (asked, answer) = oneshot::channel();
        let job = Typed { verb: Some(verb), whole, done: None, asked };
        self.jobs.as_ref().and_then(|jobs| jobs.send(Box::new(job)).ok()).ok_or_else(gone)?;
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for Desks {
    fn drop(&mut self) {
        // What was asked is done before the connection is closed.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Answers what only reads, each on what was committed last.
pub(super) fn read(connection: &Connection, clock: &StoreClock, jobs: &Receiver<Box<dyn Job>>) {
    let mut desk = Desk::new(connection);
    while let Ok(mut job) = jobs.recv() {
        let failed = (|| {
            desk.raw("BEGIN", &[])?;
            desk.now.set(clock.now(high_water(&desk)?));
            job.run(&mut desk);
            desk.raw("COMMIT", &[])
        })();
        if let Err(error) = failed {
            let fault = said(&desk, &error);
            if !connection.is_autocommit() {
                drop(desk.raw("ROLLBACK", &[]));
            }
            job.answer(Some(&fault));
        } else {
            job.answer(None);
        }
    }
}

fn high_water(desk: &Desk<'_>) -> rusqlite::Result<u64> {
    desk.raw_one("SELECT high_water FROM meta", |row| Columns::of(row).int())
}

fn said(desk: &Desk<'_>, error: &rusqlite::Error) -> Fault {
    fault(desk.connection.path().unwrap_or_default(), error)
}

fn answer(batch: Vec<Box<dyn Job>>, failed: Option<&Fault>) {
    for job in batch {
        job.answer(failed);
    }
}

/// Why a commit did not happen.
enum Failed {
    /// It may go better the next time; nothing was written.
    Passing(Fault),
    /// It is not known what is on the disk.
    Final(Fault),
}

/// The thread that writes.
pub(super) struct Writer<'c> {
    pub(super) desk: Desk<'c>,
    pub(super) clock: Arc<StoreClock>,
    pub(super) options: Options,
    pub(super) commits: Arc<AtomicU64>,
}

impl Writer<'_> {
    /// Takes requests until nobody can make any.
    pub(super) fn serve(&mut self, jobs: &Receiver<Box<dyn Job>>) {
        let mut broken: Option<Fault> = None;
        // Of the commit before: how many were in it, and how long it took.
        let (mut company, mut took) = (0, Duration::ZERO);
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            // Those who were just answered come again at once. Where they are many, a commit that waits for them is
            // worth more than one that does not, and each of them is answered sooner.
            if company >= CROWD {
                std::thread::sleep((took / PATIENCE).min(LONGEST));
            }
            while batch.len() < self.options.batch
                && let Ok(next) = jobs.try_recv()
            {
                batch.push(next);
            }
            company = batch.len();
            let begun = Instant::now();
            if let Some(fault) = &broken {
                answer(batch, Some(fault));
                continue;
            }
            let done = self.commit(&mut batch);
            took = begun.elapsed();
            match done {
                Ok(()) => {
                    fail::point("before-answer");
                    answer(batch, None);
                }
                Err(Failed::Passing(fault)) => answer(batch, Some(&fault)),
                Err(Failed::Final(fault)) => {
                    answer(batch, Some(&fault));
                    tracing::error!("{fault}");
                    (self.options.fatal)(&fault);
                    broken = Some(fault);
                }
            }
        }
    }

    /// Runs a batch in one transaction, each request behind a savepoint of its own where it may have to be taken back alone.
    fn commit(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), Failed> {
        self.desk.trouble.set(None);
        let (kept, lost) = match self.transact(batch) {
            Ok(kept) => (kept, None),
            Err(error) => (false, Some(error)),
        };
        if let Some(error) = lost {
            let fault = said(&self.desk, &error);
            self.roll_back();
            return Err(self.judged(&error, fault));
        }
        if self.desk.connection.is_autocommit() {
            // SQLite took everything back by itself: no room, no memory.
            let fault = Fault::new(Kind::Failed, "the store took a transaction back")
                .because("an error in one of its requests ended it; nothing of it was written")
                .hint("check the room on the disk");
            let fatal = self.desk.trouble.get() == Some(ErrorCode::SystemIoFailure);
            return Err(if fatal { Failed::Final(fault) } else { Failed::Passing(fault) });
        }
        if self.desk.trouble.get() == Some(ErrorCode::SystemIoFailure) {
            self.roll_back();
            return Err(Failed::Final(Fault::new(Kind::Failed, "the disk under the store fails")));
        }
        if !kept {
            self.roll_back();
            return Ok(());
        }
        fail::point("before-commit");
        self.sync().map_err(Failed::Final)?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        fail::point("after-commit");
        Ok(())
    }

    fn transact(&mut self, batch: &mut [Box<dyn Job>]) -> rusqlite::Result<bool> {
        let mut kept = false;
        self.desk.raw("BEGIN IMMEDIATE", &[])?;
        let now = self.clock.now(high_water(&self.desk)?);
        self.desk.now.set(now);
        for job in batch {
            // A savepoint copies every page that is written behind it: what needs none has none.
            if job.is_whole() {
                let before = self.desk.connection.total_changes();
                let keep = job.run(&mut self.desk);
                if self.desk.connection.is_autocommit() {
                    return Ok(false);
                }
                if !keep && self.desk.connection.total_changes() != before {
                    // It broke in the middle: nothing of the batch is kept.
                    self.roll_back();
                    return Ok(false);
                }
                kept |= keep;
                continue;
            }
            self.desk.raw("SAVEPOINT verb", &[])?;
            let keep = job.run(&mut self.desk);
            if self.desk.connection.is_autocommit() {
                return Ok(false);
            }
            if keep {
                kept = true;
            } else {
                self.desk.raw("ROLLBACK TO verb", &[])?;
            }
            self.desk.raw("RELEASE verb", &[])?;
        }
        if kept {
            self.desk.raw("UPDATE meta SET high_water = ?1", &[&int(self.desk.now())])?;
        }
        Ok(kept)
    }

    /// Brings the transaction to the disk. Whatever goes wrong here is final: after a failed sync the pages may be gone
    /// while a second sync says that all is well.
    fn sync(&self) -> Result<(), Fault> {
        let injected = self.options.before_commit.as_ref().map_or(Ok(()), |disk| disk());
        let committed = match injected {
            Ok(()) => self.desk.raw("COMMIT", &[]).map_err(|error| said(&self.desk, &error)),
            Err(error) => Err(Fault::new(Kind::Failed, "the store cannot be written").because(error.to_string())),
        };
        committed.map(drop)
    }

    fn roll_back(&self) {
        if !self.desk.connection.is_autocommit()
            && let Err(error) = self.desk.raw("ROLLBACK", &[])
        {
            tracing::error!("{}", said(&self.desk, &error));
        }
    }

    fn judged(&self, error: &rusqlite::Error, fault: Fault) -> Failed {
        let codes = [error.sqlite_error_code(), self.desk.trouble.get()];
        let fatal = [ErrorCode::SystemIoFailure, ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
        if codes.iter().flatten().any(|code| fatal.contains(code)) {
            Failed::Final(fault)
        } else {
            Failed::Passing(fault)
        }
    }
}
