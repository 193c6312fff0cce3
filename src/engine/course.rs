//! A run in the hands of a worker: what it knows, and the few ways in which it changes the record.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ira_commands::Fault;
use ira_commands::playbook::{Mode, Playbook, Scope};
use serde_json::{Value as Json, json};

use super::eye::Eye;
use super::hands::Watch;
use super::lease::Lease;
use super::past::{Asked, Past};
use super::plan::PlanDocument;
use super::{Came, Engine, refused};
use crate::store::ask::{Advance, Denial, FirstWrite, Mails, Tell, Verdict};
use crate::store::model::{OutboxRow, Step};
use crate::store::{Guard, Mail, RunState, Store, Wait};

/// Why a worker goes no further.
pub(super) enum Halt {
    /// The run came to something.
    Came(Box<Came>),
    /// The store, or what the engine stands on, failed.
    Fault(Fault),
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Halt {
    pub fn came(came: Came) -> Self {
        Self::Came(Box::new(came))
    }
}

/// What goes on, or halts.
pub(super) type Go<T> = Result<T, Halt>;

/// A run in the hands of a worker.
pub(super) struct Course<'a> {
    pub engine: &'a Engine,
    pub playbook: &'a Playbook,
    pub eye: Eye<'a>,
    pub watch: &'a dyn Watch,
    pub lease: Arc<Lease>,
    pub asked: Asked,
    pub past: Past,
    /// What is known to expressions, arguments and notes. The steps in it are settled.
    pub scope: Scope,
    /// What may be done.
    pub plan: PlanDocument,
    /// The guards of the first write.
    pub first: Option<Arc<FirstWrite>>,
}

impl Course<'_> {
    pub fn store(&self) -> &dyn Store {
        self.engine.store.as_ref()
    }

    pub fn folder(&self) -> PathBuf {
        self.engine.folder.clone()
    }

    /// Whether the run has begun to write: its guards are decided.
    pub fn begun(&self) -> bool {
        self.past.run.first_write_at.is_some()
    }

    /// Reads the run anew.
    pub async fn refresh(&mut self) -> Go<()> {
        let id = self.lease.run;
        let story = self.store().run(id).await?;
        let Some(story) = story.filter(|story| story.run.fence == self.lease.fence) else {
            return Err(Halt::came(Came::Lost(id)));
        };
        let events = self.store().events(id).await?;
        self.past = Past::of(story, &events);
        Ok(())
    }

    /// The attempts of the run as they are now.
    pub async fn attempts(&self) -> Go<Vec<Step>> {
        Ok(self.store().run(self.lease.run).await?.map(|story| story.steps).unwrap_or_default())
    }

    /// What a verb gave; a denial that nobody here has an answer to ends the work.
    pub fn heard<T>(&self, verdict: Verdict<T>) -> Go<T> {
        verdict.map_err(|denial| self.unheard(&denial))
    }

    pub fn unheard(&self, denial: &Denial) -> Halt {
        match denial.guard {
            Guard::Fence | Guard::Lease | Guard::State => Halt::came(Came::Lost(self.lease.run)),
            _ => Halt::Fault(refused(denial)),
        }
    }

    /// Writes something down that changes no state.
    pub async fn note(&self, sort: &str, matter: Json) -> Go<()> {
        self.notes(vec![(sort.to_owned(), matter)]).await
    }

    /// The same of several things: each commit is a sync of the disk.
    pub async fn notes(&self, notes: Vec<(String, Json)>) -> Go<()> {
        if notes.is_empty() {
            return Ok(());
        }
        Ok(self.store().note(self.lease.run, &self.engine.worker, notes).await?)
    }

    /// Writes down what queries said at a place (`guards`, `if:STEP`, `before`, `until:STEP`, `verify`, `hold`): the
    /// record, and a test that is made of it, have what was decided on.
    pub async fn heard_at(&self, place: &str, names: &[&str]) -> Go<()> {
        self.notes(self.said_at(place, names)).await
    }

    /// The same as a note; none where nothing was asked.
    pub fn said_at(&self, place: &str, names: &[&str]) -> Vec<(String, Json)> {
        if names.is_empty() {
            return Vec::new();
        }
        let values = Eye::values(names, &self.scope);
        let unread: Vec<&&str> = names.iter().filter(|name| !values.contains_key(**name)).collect();
        vec![("asked".to_owned(), json!({ "at": place, "values": values, "unread": unread }))]
    }

    /// The run goes on in another state.
    pub async fn advance(&mut self, ask: Advance) -> Go<()> {
        let (state, why) = (ask.state, ask.why.clone());
        match self.store().advance(ask).await? {
            Ok(run) => {
                self.past.run = run;
                self.watch.state(state, &why);
                Ok(())
            }
            Err(denial) if denial.guard == Guard::Escalated => Err(self.out_of_time().await?),
            Err(denial) => Err(self.unheard(&denial)),
        }
    }

    /// A request to advance.
    pub fn to(&self, state: RunState, why: &str) -> Advance {
        Advance {
            run: self.lease.run,
            fence: self.lease.fence,
            state,
            why: why.to_owned(),
            cursor: None,
            escalate_in: None,
            wake_in: None,
        }
    }

    /// Gives the run back until something wakes it.
    pub async fn park(&mut self, state: RunState, why: &str, cursor: Option<String>) -> Go<()> {
        self.advance(Advance { cursor, ..self.to(state, why) }).await?;
        self.let_go().await
    }

    pub async fn let_go(&self) -> Go<()> {
        let verdict = self.store().release(self.lease.run, self.lease.fence).await?;
        self.heard(verdict)
    }

    /// Gives the run back for a while; the time is kept in the store.
    pub async fn sleep(&mut self, length: Duration, why: &str, cursor: String) -> Go<std::convert::Infallible> {
        let ask =
            Advance { wake_in: Some(length), cursor: Some(cursor), ..self.to(RunState::Waiting(Wait::Timer), why) };
        self.advance(ask).await?;
        self.let_go().await?;
        Err(Halt::came(Came::Sleeps(length)))
    }

    /// Between two things that a run does: whether a person, the time or the alert says that it does no more.
    pub async fn boundary(&mut self) -> Go<()> {
        self.refresh().await?;
        if self.lease.lost() {
            return Err(Halt::came(Came::Lost(self.lease.run)));
        }
        if self.past.run.no_more_writes {
            return Err(self.out_of_time().await?);
        }
        if let Some(who) = self.past.run.cancelled_by.clone()
            && self.past.noted("stopped", true).is_none()
        {
            return Err(self.cancelled(&who).await?);
        }
        if !self.begun() && self.past.noted("resolved", false).is_some() {
            return Err(self.resolved().await?);
        }
        Ok(())
    }

    /// The page of the run, as it was armed.
    async fn page(&self) -> Go<Option<OutboxRow>> {
        let mails = self.store().mails(Mails::Of(self.lease.run)).await?;
        // Not what another channel has in its place.
        Ok(mails.into_iter().rfind(|row| row.mail == Mail::Trigger && row.payload.get("instead_of").is_none()))
    }

    /// Wakes somebody at once, whatever the run does next; `tag` is what makes it the same page when it is asked for
    /// again.
    pub async fn page_now(&self, tag: &str, why: &str) -> Go<()> {
        let Some(page) = self.page().await? else { return Ok(()) };
        let mut payload = page.payload;
        if let Some(map) = payload.as_object_mut() {
            map.insert("why".to_owned(), json!(why));
        }
        let run = &self.past.run;
        let tell = Tell {
            key: format!("page:{}:{tag}", run.id),
            run: Some(run.id),
            mail: Mail::Trigger,
            dedup_key: run.page.clone(),
            channel: page.channel,
            payload,
            wait: Duration::ZERO,
        };
        self.store().tell(tell).await?;
        Ok(())
    }

    /// Keeps the run's note current, where the playbook wants one. `tag` is what makes it the same row when it is asked
    /// for again.
    pub async fn annotate(&self, tag: &str, state: RunState, text: &str) -> Go<()> {
        let Some(annotate) = self.playbook.annotate.as_ref().filter(|_| self.asked.rung != Mode::Observe) else {
            return Ok(());
        };
        let run = &self.past.run;
        let prose = annotate.note.as_ref().map(|note| self.prose(&note.text));
        let payload = json!({
            "run": run.id,
            "playbook": self.playbook.name.text,
            "state": state,
            "text": text,
            "note": prose,
            "reports": self.reports(),
            "facts": self.facts(),
        });
        let tell = Tell {
            key: format!("note:{}:{tag}", run.id),
            run: Some(run.id),
            mail: Mail::Note,
            dedup_key: run.page.clone(),
            channel: annotate.to.text.clone(),
            payload,
            wait: Duration::ZERO,
        };
        if let Err(fault) = self.store().tell(tell).await {
            self.watch.warn(&format!("the note could not be kept: {fault}"));
        }
        Ok(())
    }

    /// Prose of the playbook; what is wrong with it stands in its place.
    pub fn prose(&self, text: &str) -> String {
        ira_commands::playbook::note(text, &self.playbook.name.text, &self.scope)
            .unwrap_or_else(|why| format!("(the playbook's note cannot be written: {why})"))
    }

    /// How each step stands, for a note.
    fn facts(&self) -> Json {
        let steps = self.playbook.steps.iter().filter_map(|step| {
            let view = self.scope.steps.get(&step.id.text)?;
            Some(json!({ "step": step.id.text, "do": step.action.text, "state": view.state }))
        });
        json!({ "steps": steps.collect::<Vec<_>>(), "before": self.scope.before, "after": self.scope.after })
    }
}
