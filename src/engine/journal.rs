//! The journal of one step of a run: what a command begins is an attempt of that run, under its fence and its guards.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ira_commands::context::{Ended, Journal, Open};
use ira_commands::effect::Reach;
use ira_commands::{Effect, Fault, Kind};
use serde_json::{Value as Json, json};

use super::lease::Lease;
use crate::store::ask::{Begin, Denial, End, FirstWrite, Outcome};
use crate::store::event::By;
use crate::store::model::{AttemptId, RunId};
use crate::store::{Guard, Store, Trace, fail, hold, wait};

/// What all journals of a run share.
pub(super) struct Shared {
    pub store: Arc<dyn Store>,
    pub lease: Arc<Lease>,
    pub run: RunId,
    pub fence: u64,
    /// Where the locks of this machine are.
    pub folder: PathBuf,
    /// The guards of the run's first write; its attempt is filled in when it comes.
    pub first: FirstWrite,
}

/// The journal of a step.
pub(super) struct RunJournal {
    shared: Arc<Shared>,
    /// The step's path; what a command begins stands below it.
    path: String,
    reach: Reach,
    /// The effect that the playbook declares, where the action leaves that to it.
    declared: Option<Effect>,
    undo: bool,
    within: Duration,
    denied: Mutex<Option<Denial>>,
    /// The attempts that were begun through it.
    begun: Mutex<Vec<AttemptId>>,
}

impl RunJournal {
    pub fn new(
        shared: Arc<Shared>,
        path: &str,
        reach: Reach,
        declared: Option<Effect>,
        undo: bool,
        within: Duration,
    ) -> Self {
        Self {
            shared,
            path: path.to_owned(),
            reach,
            declared,
            undo,
            within,
            denied: Mutex::default(),
            begun: Mutex::default(),
        }
    }

    /// What a guard said, where one denied.
    pub fn denied(&self) -> Option<Denial> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether anything was begun through it.
    pub fn began(&self) -> bool {
        !self.begun.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn begin_at(&self, key: &str, effect: Effect, begun: &Json) -> Result<AttemptId, Fault> {
        let shared = &self.shared;
        let path = format!("{}/{key}", self.path);
        let effect = self.declared.unwrap_or(effect);
        shared.lease.fresh()?;
        let story = wait(shared.store.run(shared.run))?;
        let before = story.iter().flat_map(|story| &story.steps).filter(|step| step.path == path).count();
        let ask = Begin {
            run: shared.run,
            fence: shared.fence,
            attempt: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1),
            effect,
            reach: self.reach,
            undo: self.undo,
            // One for all attempts: whoever is acted on can tell that they are the same.
            effect_key: (effect == Effect::Idempotent).then(|| format!("ira:{}:{path}", shared.run)),
            within: self.within,
            begun: begun.clone(),
            plan_hash: shared.first.begin.plan_hash.clone(),
            locks: shared.first.begin.locks.clone(),
            scopes: shared.first.begin.scopes.clone(),
            path,
        };
        let verdict = match self.reach {
            Reach::Target if !self.undo => {
                wait(shared.store.begin_first_write(FirstWrite { begin: ask, ..shared.first.clone() }))?
            }
            _ => wait(shared.store.begin(ask))?,
        };
        match verdict {
            Ok(step) => {
                self.begun.lock().unwrap_or_else(PoisonError::into_inner).push(step.id);
                fail::point("before-effect");
                Ok(step.id)
            }
            Err(denial) => {
                let fault = refused(&denial);
                *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = Some(denial);
                Err(fault)
            }
        }
    }
}

/// A guard's word, for a person.
pub(super) fn refused(denial: &Denial) -> Fault {
    let fault = Fault::new(Kind::Busy, denial.message.clone()).because(format!("denied by {}", denial.guard));
    match denial.guard {
        Guard::Lock => match denial.holder {
            Some(run) => fault.hint(format!("wait for it, or `ira run cancel {run}` or `ira run close {run}` first")),
            None => fault,
        },
        Guard::Freeze => fault.hint("`ira thaw` ends it"),
        Guard::Cooldown
        | Guard::Bucket
        | Guard::Budget
        | Guard::Recurrence
        | Guard::Breaker
        | Guard::Maintenance
        | Guard::Storm => fault.hint(format!("`--override {} --reason TEXT` goes on all the same", denial.guard)),
        _ => fault,
    }
}

impl Journal for RunJournal {
    fn hold(&self, name: &str) -> Result<Box<dyn Send + Sync>, Fault> {
        hold(&self.shared.folder, name)
    }

    fn open(&self) -> Result<Vec<Open>, Fault> {
        let mut open = wait(self.shared.store.hand_open())?;
        let own = format!("{}/", self.path);
        for one in &mut open {
            if let Some(key) = one.key.strip_prefix(&own) {
                one.key = key.to_owned();
            }
        }
        Ok(open)
    }

    fn begin(&self, key: &str, effect: Effect, _at: u64, begun: &Json) -> Result<u64, Fault> {
        self.begin_at(key, effect, begun).map(|id| id.0)
    }

    fn add(&self, id: u64, more: &Json) -> Result<(), Fault> {
        Ok(wait(self.shared.store.add(AttemptId(id), more.clone()))??)
    }

    fn end(&self, id: u64, ended: &Ended) -> Result<(), Fault> {
        let shared = &self.shared;
        fail::point("after-effect");
        let (outcome, exit) = match ended {
            Ended::Done(proof) => (Outcome::Done, proof),
            Ended::NotDone(reason) => (Outcome::Failed(Trace::Nothing), reason),
            Ended::Failed(reason) => (Outcome::Failed(Trace::Something), reason),
            // It stays begun: the step's probe looks, and then it is known, or a person is asked.
            Ended::Unknown(reason) => return self.add(id, &json!({ "unknown": reason })),
        };
        let story = wait(shared.store.run(shared.run))?;
        let own = story.is_some_and(|story| story.steps.iter().any(|step| step.id == AttemptId(id)));
        if !own {
            // Another command's, settled on the way.
            wait(shared.store.hand_end(AttemptId(id), ended.clone()))??;
            return Ok(());
        }
        let by = if exit.get("by").and_then(Json::as_str) == Some("probe") { By::Probe } else { By::Worker };
        let end =
            End { attempt: AttemptId(id), fence: shared.fence, outcome, by, exit: exit.clone(), output_ref: None };
        wait(shared.store.end(end))??;
        Ok(())
    }
}
