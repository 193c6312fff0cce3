//! How a run ends, and who hears of it.

use std::time::Duration;

use ira_commands::Fault;
use ira_commands::playbook;
use serde_json::json;

use super::Came;
use super::drive::Driven;
use super::journal::refused;
use super::steps::with_left;
use crate::store::ask::{Denial, Finish, Tell, Verified};
use crate::store::{Mail, RunState};

/// After so many runs in a row that did not help, a playbook's breaker opens.
const BREAKER_AFTER: u32 = 3;
/// For so long.
const BREAKER_OPEN: Duration = Duration::from_secs(3_600);

impl Driven<'_> {
    /// Ends the run.
    pub async fn finish(&mut self, state: RunState, note: &str, resolve: bool) -> Result<Came, Fault> {
        let verified = self.wrote().then(|| Verified {
            breaker: self.playbook.name.text.clone(),
            good: match state {
                RunState::Succeeded => Some(true),
                RunState::Escalated => Some(false),
                _ => None,
            },
            after: BREAKER_AFTER,
            opens_for: BREAKER_OPEN,
        });
        self.tell(state, note).await;
        let finish = Finish {
            run: self.run.id,
            fence: self.run.fence,
            state,
            note: note.to_owned(),
            resolve: resolve && state == RunState::Succeeded,
            verified,
        };
        let run = self.engine.store.finish(finish).await?.map_err(|denial| refused(&denial))?;
        self.run = run;
        self.watch.state(state);
        Ok(Came::Ended(Box::new(self.run.clone())))
    }

    /// Hands the run to a person: it begins nothing more.
    pub async fn hand_over(&mut self, why: &str) -> Result<Came, Fault> {
        self.finish(RunState::Escalated, why, false).await
    }

    /// Something failed before anything was written.
    pub async fn finish_faulted(&mut self, fault: &Fault) -> Result<Came, Fault> {
        let why = format!("nothing applied: {}", fault.one_line());
        if self.engine.unattended {
            self.hand_over(&why).await
        } else {
            self.finish(RunState::Failed, &why, false).await
        }
    }

    /// A guard denied the first write: nothing was done. Where nobody is there, somebody is told.
    pub async fn denied(&mut self, denial: Denial) -> Result<Came, Fault> {
        let why = format!("denied by {}: {}", denial.guard, denial.message);
        let state = if self.engine.unattended { RunState::Escalated } else { RunState::Cancelled };
        self.finish(state, &why, false).await?;
        Ok(Came::Denied(denial, Box::new(self.run.clone())))
    }

    /// A person cancelled it. What was done is taken back; the page stays armed until it is seen to be good.
    pub async fn cancelled(&mut self) -> Result<Came, Fault> {
        let who = self.run.cancelled_by.clone().unwrap_or_else(|| "a person".to_owned());
        if !self.wrote() {
            return self.finish(RunState::Cancelled, &format!("cancelled by {who}: nothing was done"), false).await;
        }
        let left = self.take_back().await?;
        let why = with_left(&format!("cancelled by {who}"), &left);
        if left.is_empty() && self.is_good().await {
            return self.finish(RunState::Cancelled, &why, false).await;
        }
        self.hand_over(&format!("{why}; not seen to be good")).await
    }

    /// Makes its page due, and lets it wait.
    pub async fn page(&self, why: &str) -> Result<(), Fault> {
        let payload = json!({ "run": self.run.id, "summary": why });
        let tell = Tell {
            key: format!("page:{}:{}", self.run.id, self.run.seq),
            run: Some(self.run.id),
            mail: Mail::Trigger,
            dedup_key: self.run.page.clone(),
            channel: self.playbook.escalate.as_ref().map_or_else(String::new, |escalate| escalate.to.text.clone()),
            payload,
            wait: Duration::ZERO,
        };
        self.engine.store.tell(tell).await.map(|_| ())
    }

    /// Notes how the run ended where it is annotated. It wakes nobody, and fails no run.
    async fn tell(&self, state: RunState, note: &str) {
        let Some(annotate) = &self.playbook.annotate else { return };
        let prose =
            annotate.note.as_ref().or(self.playbook.escalate.as_ref().and_then(|escalate| escalate.note.as_ref()));
        let name = &self.playbook.name.text;
        let said = prose.map(|prose| playbook::note(&prose.text, name, &self.scope)).and_then(Result::ok);
        let reports: Vec<_> =
            annotate.reports.iter().filter_map(|step| self.scope.steps.get(&step.text)).map(|view| &view.out).collect();
        let payload = json!({
            "run": self.run.id,
            "playbook": name,
            "state": state,
            "outcome": note,
            "note": said,
            "reports": reports,
            "alert": self.scope.alert.alert,
        });
        let tell = Tell {
            key: format!("note:{}:{state}:{}", self.run.id, self.run.seq),
            run: Some(self.run.id),
            mail: Mail::Note,
            dedup_key: self.run.page.clone(),
            channel: annotate.to.text.clone(),
            payload,
            wait: Duration::ZERO,
        };
        if let Err(fault) = self.engine.store.tell(tell).await {
            tracing::warn!("run {}: its note is not in the outbox: {fault}", self.run.id);
        }
    }
}
