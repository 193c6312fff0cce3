//! A worker takes a run, goes with it as far as it goes, and gives it back.

use std::time::{Duration, Instant};

use futures::future::{Either, select};
use ira_commands::playbook::{Pattern, Playbook, Scope, matched};
use ira_commands::{Fault, Kind};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use super::course::{Course, Go, Halt};
use super::eye::Eye;
use super::hands::Watch;
use super::lease::Lease;
use super::past::{self, Asked, Past};
use super::plan::PlanDocument;
use super::{Came, Engine};
use crate::store::Phase;
use crate::store::ask::{Story, Verdict, Which};
use crate::store::model::{Run, RunId};

impl Engine {
    /// Takes a run and goes with it as far as it goes without waiting. A denial says who has it, or that it has ended.
    pub async fn drive(&self, run: RunId, watch: &dyn Watch) -> Result<Verdict<Came>, Fault> {
        let came = self.claim(Which::This(run), watch).await?;
        Ok(came.map(|came| came.map_or(Came::Lost(run), |(_, came)| came)))
    }

    /// The same for a run of which is known that the process that had it is dead: its lease is not waited for.
    pub async fn drive_orphan(&self, run: RunId, watch: &dyn Watch) -> Result<Verdict<Came>, Fault> {
        let came = self.claim(Which::Orphan(run), watch).await?;
        Ok(came.map(|came| came.map_or(Came::Lost(run), |(_, came)| came)))
    }

    /// The same as [`Engine::drive`], also through the times in which it sleeps: a person's word wakes it.
    pub async fn follow(&self, run: RunId, watch: &dyn Watch) -> Result<Verdict<Came>, Fault> {
        loop {
            match self.drive(run, watch).await? {
                Ok(Came::Sleeps(_)) => self.doze(run).await?,
                other => return Ok(other),
            }
        }
    }

    /// Waits until a run is due.
    async fn doze(&self, run: RunId) -> Result<(), Fault> {
        loop {
            let now = self.store.now().await?;
            let wake = self.store.run(run).await?.and_then(|story| story.run.wake_at).unwrap_or(now);
            if wake <= now {
                return Ok(());
            }
            // In short parts: what wakes it may come from another process.
            tokio::time::sleep(Duration::from_millis((wake - now).min(250))).await;
        }
    }

    /// Takes the run that is due for the longest time and drives it; none where none is due.
    pub async fn work(&self, watch: &dyn Watch) -> Result<Option<(RunId, Came)>, Fault> {
        match self.claim(Which::Next, watch).await? {
            Ok(came) => Ok(came),
            Err(denial) => Err(denial.into()),
        }
    }

    async fn claim(&self, which: Which, watch: &dyn Watch) -> Result<Verdict<Option<(RunId, Came)>>, Fault> {
        let asked = Instant::now();
        let run = match self.store.claim(&self.worker, self.ttl, which).await? {
            Ok(Some(run)) => run,
            Ok(None) => return Ok(Ok(None)),
            Err(denial) => return Ok(Err(denial)),
        };
        let (store, alarm) = (Arc::clone(&self.store), self.alarm.clone());
        let lease = Arc::new(Lease::of(store, alarm, &run, self.ttl, asked));
        let work = Box::pin(self.go(&run, Arc::clone(&lease), watch));
        // What is lost is noticed by whoever begins something; what is under way ends, and may say how.
        let halt = match select(work, pin!(lease.keep())).await {
            Either::Left((halt, _)) => halt,
            Either::Right((never, _)) => match never {},
        };
        match halt {
            Halt::Came(came) => Ok(Ok(Some((run.id, *came)))),
            Halt::Fault(fault) => {
                // Due as it is, for whoever is better off.
                if let Err(again) = self.store.release(run.id, run.fence).await {
                    tracing::warn!("run {} could not be given back: {again}", run.id);
                }
                Err(fault)
            }
        }
    }

    /// Goes on with a run until something ends that.
    async fn go(&self, run: &Run, lease: Arc<Lease>, watch: &dyn Watch) -> Halt {
        let gone = async {
            let (mut playbook, story) = self.entered(run).await?;
            let events = self.store.events(run.id).await?;
            let asked = Asked::of(run)?;
            for (label, patterns) in &asked.targets {
                let all = patterns.iter().map(|text| Pattern::new(text)).collect();
                playbook.targets.insert(label.clone(), all);
            }
            let scope = scope(&playbook, &story, &asked)?;
            let mut course = Course {
                engine: self,
                playbook: &playbook,
                eye: Eye { hands: self.hands.as_ref(), playbook: &playbook },
                watch,
                lease,
                asked,
                past: Past::of(story, &events),
                scope,
                plan: PlanDocument::default(),
                first: None,
            };
            course.watch.state(course.past.run.state, "");
            course.whole().await
        };
        match gone.await {
            Ok(never) => match never {},
            Err(halt) => halt,
        }
    }

    /// The playbook of a run as it was when the run began, whatever the file says by now.
    async fn entered(&self, run: &Run) -> Result<(Playbook, Story), Fault> {
        let gone = |what: &str| Fault::new(Kind::Failed, format!("run {} has no {what} in the store", run.id));
        let revision = run.revision.as_deref().ok_or_else(|| {
            Fault::new(Kind::Usage, format!("run {} is of a command by hand", run.id))
                .hint("the same command with --resume settles what it began")
        })?;
        let playbook = if let Some(playbook) = self.known.of(revision) {
            playbook
        } else {
            let text = self.store.playbook(revision).await?.ok_or_else(|| gone("playbook"))?;
            let playbook = ira_commands::playbook::parse(&text).map_err(|problems| {
                let first = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
                Fault::new(Kind::Failed, format!("the playbook of run {} cannot be read by this ira", run.id))
                    .because(first)
            })?;
            self.known.keep(revision, &playbook);
            playbook
        };
        let story = self.store.run(run.id).await?.ok_or_else(|| gone("row"))?;
        Ok((playbook, story))
    }
}

/// So many playbooks are kept as they were read.
const KNOWN: usize = 256;

/// Playbooks that this process has read, by revision: the text of one never changes.
#[derive(Default)]
pub(super) struct Known(Mutex<BTreeMap<String, Playbook>>);

impl Known {
    fn of(&self, revision: &str) -> Option<Playbook> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(revision).cloned()
    }

    fn keep(&self, revision: &str, playbook: &Playbook) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(revision.to_owned(), playbook.clone());
    }
}

/// What expressions and arguments of a run see before anything was read.
fn scope(playbook: &Playbook, story: &Story, asked: &Asked) -> Result<Scope, Fault> {
    let alert = story.alert.as_ref().map(|row| past::incoming(&row.payload)).transpose()?.unwrap_or_default();
    // It was the right one when the run was admitted.
    let key = matched(playbook, &alert).map(|matched| matched.key).unwrap_or_default();
    Ok(Scope { alert, key, params: asked.params.clone(), ..Scope::default() })
}

impl Course<'_> {
    /// The run from where it stands to wherever it goes.
    async fn whole(&mut self) -> Go<std::convert::Infallible> {
        self.recall();
        self.settle_open().await?;
        self.recall();
        if let Some(stopped) = self.past.noted("stopped", true).cloned() {
            return Err(self.stopping(&stopped).await?);
        }
        self.boundary().await?;
        if self.past.run.phase == Phase::Approve {
            self.approve().await?;
        }
        if self.past.run.phase == Phase::Act {
            self.act().await?;
        }
        if self.past.run.phase == Phase::Verify {
            self.verify().await?;
        }
        Err(self.hold().await?)
    }
}
