//! How runs end, and the words of it: what was done, what is half done, and what a person can do next.

use ira_commands::playbook::{Firing, StepState, firing};
use serde_json::json;

use super::course::{Course, Go, Halt};
use super::guards::{BREAKS_AFTER, BROKEN_FOR};
use super::{Came, Ending};
use crate::store::ask::{Denial, End, Finish, Outcome, Suspend, Verified};
use crate::store::event::By;
use crate::store::{Guard, RunState, StepState as Stands, Trace, Wait};

impl Course<'_> {
    /// Ends the run; gives what it came to.
    pub async fn finish(&mut self, ending: Ending, why: &str) -> Go<Halt> {
        self.refresh().await?;
        let state = ending.state();
        if state != RunState::Escalated {
            self.close_open().await?;
        }
        let note = self.last_word(ending, why);
        // Before the end is written down: whoever dies between the two does this again, under the same key.
        self.annotate("end", state, &note).await?;
        let finish = Finish {
            run: self.lease.run,
            fence: self.lease.fence,
            state,
            note: note.clone(),
            resolve: self.is_over(),
            verified: self.verdict(ending),
        };
        let verdict = self.store().finish(finish).await?;
        self.past.run = self.heard(verdict)?;
        self.watch.state(state, &note);
        // Also where it was set and the write was then denied.
        if let Some(alarm) = self.engine.alarm.as_ref().filter(|_| self.playbook.effects.any())
            && let Err(fault) = alarm.clear(&self.past.run).await
        {
            self.watch.warn(&format!("the alarm could not be taken back: {fault}"));
        }
        Ok(Halt::came(Came::Ended(Box::new(self.past.run.clone()), ending)))
    }

    /// Whether the alert is known to be over: then what ira triggered may be resolved.
    fn is_over(&self) -> bool {
        let said = self.playbook.steps.iter().rev().find_map(|step| {
            let view = self.scope.steps.get(&step.id.text).filter(|view| view.state == StepState::Done)?;
            firing(step, &view.out)
        });
        self.past.noted("resolved", false).is_some() || said == Some(Firing::No)
    }

    /// What the breaker of the playbook is told: only runs that changed something count.
    fn verdict(&self, ending: Ending) -> Option<Verified> {
        let good = match ending {
            Ending::Verified => Some(true),
            Ending::Broken | Ending::Unverified | Ending::NotHeld => Some(false),
            _ => None,
        };
        self.begun().then(|| Verified {
            breaker: self.playbook.name.text.clone(),
            good,
            after: BREAKS_AFTER,
            opens_for: BROKEN_FOR,
        })
    }

    /// Reads and repeatable steps of dead workers that nobody will make again: they have ended, too.
    async fn close_open(&mut self) -> Go<()> {
        let open: Vec<_> = self.past.steps.iter().filter(|step| step.state == Stands::Started).cloned().collect();
        for step in open {
            let trace = match step.effect {
                ira_commands::Effect::Read => Trace::Nothing,
                ira_commands::Effect::Idempotent => Trace::Something,
                // Whether it happened is not known: the run cannot end so.
                ira_commands::Effect::Once => continue,
            };
            let end = End {
                attempt: step.id,
                fence: self.lease.fence,
                outcome: Outcome::Failed(trace),
                by: By::Worker,
                exit: json!({ "reason": "its worker died" }),
                output_ref: None,
            };
            let verdict = self.store().end(end).await?;
            self.heard(verdict)?;
        }
        Ok(())
    }

    /// The last word about a run: what it came to, the playbook's own words, what stands, and what can be done next.
    fn last_word(&self, ending: Ending, why: &str) -> String {
        let mut lines = vec![why.to_owned()];
        if ending.state() == RunState::Escalated {
            if let Some(note) = self.playbook.escalate.as_ref().and_then(|escalate| escalate.note.as_ref()) {
                lines.push(self.prose(&note.text));
            }
            lines.push(self.standing());
            let id = self.lease.run;
            let back =
                if self.begun() { format!("`ira run undo {id}` takes back what can be; ") } else { String::new() };
            lines.push(format!("{back}`ira run resume {id}` goes on; `ira run show {id}` has the record."));
        }
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }

    /// What is done, and what is half done.
    pub fn standing(&self) -> String {
        let list = |what: &str, paths: Vec<&str>| {
            if paths.is_empty() { String::new() } else { format!("{what}: {}. ", paths.join(", ")) }
        };
        let writes = |wanted: fn(Stands) -> bool| {
            let attempts = self.past.steps.iter().filter(|step| step.effect != ira_commands::Effect::Read);
            attempts.filter(|step| wanted(step.state)).map(|step| step.path.as_str()).collect::<Vec<_>>()
        };
        let done = list("Done", writes(|state| state == Stands::Done));
        let half = list("Failed, and left something", writes(|state| state == Stands::Failed(Trace::Something)));
        let open = list("Not known whether it happened", writes(Stands::is_open));
        let all = format!("{done}{half}{open}");
        if all.is_empty() { "Nothing was changed.".to_owned() } else { all.trim_end().to_owned() }
    }

    /// The time of the phase has run out: a person owns it now.
    pub async fn out_of_time(&mut self) -> Go<Halt> {
        let why = format!("the time of the phase `{}` ran out", self.past.run.phase);
        self.finish(Ending::OutOfTime, &why).await
    }

    /// The alert was over before anything was done.
    pub async fn resolved(&mut self) -> Go<Halt> {
        self.finish(Ending::Resolved, "the alert does not fire any more; nothing was done").await
    }

    /// A guard denied the first write: nothing was done. Where nobody is there, somebody is woken.
    pub async fn denied(&mut self, denial: Denial) -> Go<Halt> {
        let nothing = format!("{}; nothing was done", denial.message);
        let guard = denial.guard.word();
        self.note("denied", json!({ "guard": guard, "until": denial.until, "message": denial.message })).await?;
        if denial.guard == Guard::Recurrence {
            let reason = format!("it came back too often: {}", denial.message);
            let (scope, actor) = (self.playbook.name.text.clone(), self.engine.worker.clone());
            let demoted = Suspend { guard: Guard::Demoted, scope, lasts: None, actor, reason };
            self.store().suspend(demoted).await?;
        }
        let ending = if self.asked.unattended { Ending::DeniedAlone } else { Ending::Denied };
        match self.finish(ending, &nothing).await? {
            Halt::Came(came) => match *came {
                Came::Ended(run, _) => Ok(Halt::came(Came::Denied(Box::new(denial), run))),
                other => Ok(Halt::came(other)),
            },
            fault @ Halt::Fault(_) => Ok(fault),
        }
    }

    /// Frozen between two writes: it waits, and somebody is woken, for something is half done.
    pub async fn frozen(&mut self, denial: &Denial, cursor: String) -> Go<Halt> {
        let id = self.lease.run;
        let why = format!(
            "{}: run {id} stands between two writes. {} `ira thaw` lets it go on; `ira run undo {id}` takes back what can be.",
            denial.message,
            self.standing(),
        );
        self.page_now(&format!("freeze:{}", self.past.steps.len()), &why).await?;
        self.park(RunState::Waiting(Wait::Freeze), &denial.message, Some(cursor)).await?;
        Ok(Halt::came(Came::Waits(Box::new(self.past.run.clone()))))
    }

    /// A step did not work: what was done is taken back, newest first, and a person is woken.
    pub async fn broken(&mut self, why: &str) -> Go<Halt> {
        if self.past.wrote() {
            return self.undo(super::undo::Why::Failed, why).await;
        }
        let ending = if self.playbook.effects.any() { Ending::Broken } else { Ending::Failed };
        self.finish(ending, why).await
    }
}
