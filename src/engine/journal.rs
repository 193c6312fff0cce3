//! The journal of one step of a run: what a command begins is an attempt of that run, under its fence and its guards.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ira_commands::context::{Ended, Journal, Open};
use ira_commands::effect::Reach;
use ira_commands::{Effect, Fault};
use serde_json::{Value as Json, json};

use super::guards::{denial, refused};
use super::lease::Lease;
use super::remembered;
use crate::store::ask::{Begin, Denial, End, FirstWrite, Outcome};
use crate::store::event::By;
use crate::store::model::{AttemptId, Step};
use crate::store::{Guard, Store, Trace, fail, hold, wait};

/// What a step begins under.
pub(super) struct Entry {
    /// The step's path; what a command begins stands below it.
    pub path: String,
    /// The effect that the playbook declares, where the action leaves that to it.
    pub declared: Option<Effect>,
    /// Whether it takes back what another step did.
    pub undo: bool,
    /// How long it may take.
    pub within: Duration,
    /// What may be acted on by the plan; anything where nothing is here.
    pub targets: Vec<String>,
}

/// The journal of a step.
pub(super) struct RunJournal {
    store: Arc<dyn Store>,
    lease: Arc<Lease>,
    /// Where the locks of this machine are.
    folder: PathBuf,
    /// The guards of the run's first write; its attempt is filled in when it comes.
    first: Arc<FirstWrite>,
    entry: Entry,
    denied: Mutex<Option<Denial>>,
}

impl RunJournal {
    pub fn new(
        store: Arc<dyn Store>,
        lease: Arc<Lease>,
        folder: PathBuf,
        first: Arc<FirstWrite>,
        entry: Entry,
    ) -> Self {
        Self { store, lease, folder, first, entry, denied: Mutex::default() }
    }

    /// What a guard said, where one denied.
    pub fn denied(&self) -> Option<Denial> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn no(&self, denial: Denial) -> Fault {
        let fault = refused(&denial);
        *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = Some(denial);
        fault
    }

    /// The attempts of the run.
    fn attempts(&self) -> Result<Vec<Step>, Fault> {
        Ok(wait(self.store.run(self.lease.run))?.map(|story| story.steps).unwrap_or_default())
    }
}

impl Journal for RunJournal {
    fn hold(&self, name: &str) -> Result<Box<dyn Send + Sync>, Fault> {
        hold(&self.folder, name)
    }

    /// All that are open in the store: a sender's next nonce depends on those of others too. The keys of this step's own
    /// are those that its command gave. What a dead worker left that is safe to repeat is not among them: it is repeated,
    /// and takes its place.
    fn open(&self) -> Result<Vec<Open>, Fault> {
        let own = self.attempts()?;
        let below = format!("{}/", self.entry.path);
        let mut open = wait(self.store.hand_open())?;
        open.retain(|one| {
            let left = |step: &&Step| step.id.0 == one.id && step.fence < self.lease.fence;
            !own.iter().find(left).is_some_and(|step| step.effect == Effect::Idempotent)
        });
        for one in &mut open {
            one.key = match one.key.strip_prefix(&below) {
                Some(key) if own.iter().any(|step| step.id.0 == one.id) => key.to_owned(),
                _ => format!("elsewhere: {}", one.key),
            };
        }
        Ok(open)
    }

    fn begin(&self, key: &str, effect: Effect, _at: u64, begun: &Json) -> Result<u64, Fault> {
        let Entry { path, declared, undo, within, targets } = &self.entry;
        if let Err(fault) = self.lease.fresh() {
            return Err(self.no(denial(Guard::Lease, &self.lease.run.to_string(), fault.message)));
        }
        let within_plan =
            |target: &String| key.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !targets.is_empty() && !targets.iter().any(within_plan) {
            let message = format!("{path} would act on {key}, and the plan names {}", targets.join(", "));
            return Err(self.no(denial(Guard::Plan, path, message)));
        }
        let path = format!("{path}/{key}");
        let effect = declared.unwrap_or(effect);
        if effect == Effect::Once
            && let Some(why) = wait(remembered::behind(self.store.as_ref(), &self.folder))?
        {
            return Err(self.no(denial(Guard::State, "the store", why)));
        }
        let before = self.attempts()?.iter().filter(|step| step.path == path).count();
        let like = &self.first.begin;
        let ask = Begin {
            run: self.lease.run,
            fence: self.lease.fence,
            attempt: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1),
            effect,
            reach: Reach::Target,
            undo: *undo,
            // One for all attempts: whoever is acted on can tell that they are the same.
            effect_key: (effect == Effect::Idempotent).then(|| format!("ira:{}:{path}", self.lease.run)),
            within: *within,
            begun: begun.clone(),
            plan_hash: like.plan_hash.clone(),
            locks: like.locks.clone(),
            scopes: like.scopes.clone(),
            path,
        };
        let verdict = if *undo {
            wait(self.store.begin(ask))?
        } else {
            wait(self.store.begin_first_write(FirstWrite { begin: ask, ..FirstWrite::clone(&self.first) }))?
        };
        let step = verdict.map_err(|denial| self.no(denial))?;
        // Writing it down may have taken as long as the lease had left: then another worker thinks that it knows.
        if let Err(fault) = self.lease.fresh() {
            let ended = Ended::NotDone(json!({ "reason": fault.message }));
            self.end(step.id.0, &ended)?;
            return Err(self.no(denial(Guard::Lease, &self.lease.run.to_string(), fault.message)));
        }
        if effect == Effect::Once {
            wait(remembered::remember(self.store.as_ref(), &self.folder, self.lease.run))?;
        }
        fail::point("before-effect");
        Ok(step.id.0)
    }

    fn add(&self, id: u64, more: &Json) -> Result<(), Fault> {
        Ok(wait(self.store.add(AttemptId(id), more.clone()))??)
    }

    fn end(&self, id: u64, ended: &Ended) -> Result<(), Fault> {
        fail::point("after-effect");
        let (outcome, exit) = match ended {
            Ended::Done(proof) => (Outcome::Done, proof),
            Ended::NotDone(reason) => (Outcome::Failed(Trace::Nothing), reason),
            Ended::Failed(reason) => (Outcome::Failed(Trace::Something), reason),
            // It stays begun: the step's probe looks, and then it is known, or a person is asked.
            Ended::Unknown(reason) => return self.add(id, &json!({ "unknown": reason })),
        };
        let attempt = AttemptId(id);
        if !self.attempts()?.iter().any(|step| step.id == attempt) {
            // Another command's, settled on the way.
            wait(self.store.hand_end(attempt, ended.clone()))??;
            return Ok(());
        }
        let by = if exit.get("by").and_then(Json::as_str) == Some("probe") { By::Probe } else { By::Worker };
        let end = End { attempt, fence: self.lease.fence, outcome, by, exit: exit.clone(), output_ref: None };
        wait(self.store.end(end))??;
        Ok(())
    }
}
