//! One round of a step: a read, a tell, or a write with all that may become of it.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::context::Journal;
use ira_commands::effect::Reach;
use ira_commands::playbook::{Mode, Scope};
use ira_commands::report::{Cell, Fact, Outcome as Found, Section, Status};
use ira_commands::{Effect, Fault, Invocation, Report};
use serde_json::{Value as Json, json};

use super::course::{Course, Go};
use super::eye::late;
use super::hands::line;
use super::journal::{Entry, RunJournal};
use super::outputs;
use super::plan::invocation;
use super::post::{STEP, told};
use super::settle::Left;
use super::walk::At;
use crate::drill;
use crate::store::ask::{Begin, Denial, End, Outcome, Tell};
use crate::store::event::By;
use crate::store::model::Step;
use crate::store::{Mail, StepState as Stands, Trace};

/// What a round came to.
pub(super) enum Came {
    /// It worked; what it answered, and the same in one line.
    Done { out: Json, said: String },
    /// Nothing was done; why.
    Refused(String),
    /// It failed, and left something; why.
    Failed(String),
    /// Whether it happened is not known; a probe or a person is to say.
    Unknown(String),
    /// A guard let it begin nothing.
    Denied(Denial),
}

impl Course<'_> {
    /// Does a step once.
    pub async fn round(&self, here: At<'_>, path: &str, scope: &Scope) -> Go<Came> {
        let writes = self.playbook.effects.writes[here.at];
        let invocation = match invocation(self.playbook, here.step, writes, scope) {
            Ok(invocation) => invocation,
            // What was to be told cannot be said: no reason to leave undone, or take back, what mends.
            Err(fault) if !writes && self.playbook.effects.effects[here.at] != Effect::Read => {
                self.watch.warn(&format!("`{path}`: {fault}"));
                return Ok(Came::Done { out: json!({}), said: fault.one_line() });
            }
            Err(fault) => return Ok(Came::Refused(fault.one_line())),
        };
        let within = Duration::from_secs(here.step.timeout);
        match (invocation.effect(), invocation.reach()) {
            (Effect::Read, _) => self.read(&invocation, path, within).await,
            (_, Reach::Tell) => self.tell(&invocation, path).await,
            (_, Reach::Target) => {
                let entry = Entry {
                    path: path.to_owned(),
                    declared: here.step.effect,
                    undo: false,
                    within,
                    targets: self.plan.targets(path),
                };
                self.write(&invocation, entry).await
            }
        }
    }

    /// Reads, and writes down what was read: what comes after it goes by this.
    async fn read(&self, invocation: &Invocation, path: &str, within: Duration) -> Go<Came> {
        let before = self.attempts().await?.iter().filter(|step| step.path == path).count();
        let begin = Begin {
            run: self.lease.run,
            fence: self.lease.fence,
            path: path.to_owned(),
            attempt: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1),
            effect: Effect::Read,
            reach: Reach::Target,
            undo: false,
            effect_key: None,
            within,
            begun: json!({ "do": invocation.name(), "with": invocation.with() }),
            plan_hash: None,
            locks: Vec::new(),
            scopes: Vec::new(),
        };
        let verdict = self.store().begin(begin).await?;
        let attempt = self.heard(verdict)?;
        let done = self.eye.look(invocation, within).await;
        let (outcome, exit, file) = match &done {
            Ok(report) => {
                let (mut kept, file) = outputs::keep(&self.folder(), &attempt.id.to_string(), &report.data)?;
                kept["summary"] = json!(line(report));
                (Outcome::Done, kept, file)
            }
            Err(fault) => (Outcome::Failed(Trace::Nothing), json!({ "fault": fault.one_line() }), None),
        };
        let fence = self.lease.fence;
        let verdict = self
            .store()
            .end(End { attempt: attempt.id, fence, outcome, by: By::Worker, exit, output_ref: file })
            .await?;
        self.heard(verdict)?;
        if let Ok(report) = &done {
            self.keep_report(path, report).await?;
        }
        Ok(match done {
            Ok(report) => Came::Done { said: line(&report), out: report.data },
            Err(fault) => Came::Refused(fault.one_line()),
        })
    }

    /// Tells somebody: it is in the outbox, and goes out by itself.
    async fn tell(&self, invocation: &Invocation, path: &str) -> Go<Came> {
        let id = self.lease.run;
        if self.asked.rung == Mode::Observe {
            return Ok(Came::Done { out: json!({}), said: "nobody is told on this rung".to_owned() });
        }
        let tell = Tell {
            key: format!("tell:{id}:{path}"),
            run: Some(id),
            mail: Mail::Note,
            // What a drill's playbook tells goes where its page goes: nowhere.
            dedup_key: match &self.past.run.page {
                page if drill::is_key(page) => page.clone(),
                _ => format!("ira:{id}:{path}"),
            },
            channel: STEP.to_owned(),
            payload: told(invocation),
            wait: Duration::ZERO,
        };
        match self.store().tell(tell).await {
            Ok(mail) => Ok(Came::Done { out: json!({ "mail": mail }), said: "it is in the outbox".to_owned() }),
            Err(fault) => {
                self.watch.warn(&format!("`{path}`: {fault}"));
                Ok(Came::Done { out: json!({}), said: fault.one_line() })
            }
        }
    }

    /// Changes something, or finds out what came of it before.
    pub async fn write(&self, invocation: &Invocation, entry: Entry) -> Go<Came> {
        let (path, within, declared) = (entry.path.clone(), entry.within, entry.declared);
        if let Some(came) = self.before(invocation, &path).await? {
            return Ok(came);
        }
        let invocation = &self.left_to(invocation, &path).await?;
        let first = self.first.clone().ok_or_else(|| {
            Fault::new(ira_commands::Kind::Failed, format!("`{path}` is begun before its guards are known"))
        })?;
        let (store, lease) = (Arc::clone(&self.engine.store), Arc::clone(&self.lease));
        let journal = Arc::new(RunJournal::new(store, lease, self.folder(), first, entry));
        let run = async {
            let context =
                self.engine.hands.context(invocation, Some(Arc::<RunJournal>::clone(&journal) as Arc<dyn Journal>));
            let context = context.await?;
            invocation.run(&context).await
        };
        let done = tokio::time::timeout(within, run).await.unwrap_or_else(|_| Err(late(invocation.name(), within)));
        let attempts = self.latest(&path).await?;
        let why = done.as_ref().err().map_or_else(String::new, Fault::one_line);
        let attempts = match self.settle(attempts, &why).await? {
            Left::Known => self.latest(&path).await?,
            Left::Later(why) | Left::Person(why) => return Ok(Came::Unknown(why)),
        };
        if let Some(denial) = journal.denied() {
            return Ok(Came::Denied(denial));
        }
        match &done {
            Ok(report) => self.keep_report(&path, report).await?,
            Err(fault) => self.keep_report(&path, &failed(fault)).await?,
        }
        Ok(judged(invocation, done, &attempts, declared))
    }

    /// A command with what is left of its caps: what the attempts of before in this run spent, or may have, is gone.
    async fn left_to(&self, invocation: &Invocation, path: &str) -> Go<Invocation> {
        let attempts = self.attempts().await?;
        let spent = attempts.iter().filter(|step| {
            let below = step.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            below && step.state != Stands::Failed(Trace::Nothing)
        });
        Ok(invocation.clone().after(spent.map(|step| &step.begun)))
    }

    /// The last attempt at each path of a step.
    async fn latest(&self, path: &str) -> Go<Vec<Step>> {
        let mut last = std::collections::BTreeMap::new();
        for step in self.attempts().await? {
            if step.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                last.insert(step.path.clone(), step);
            }
        }
        Ok(last.into_values().collect())
    }

    /// What an earlier worker, a probe or a person left of this step; nothing where it is to be done (again).
    async fn before(&self, invocation: &Invocation, path: &str) -> Go<Option<Came>> {
        let attempts = self.latest(path).await?;
        let is = |wanted: fn(&Step) -> bool| attempts.iter().find(|step| wanted(step));
        if let Some(open) = is(|step| step.effect == Effect::Once && step.state.is_open()) {
            return Ok(Some(Came::Unknown(format!("whether {} happened is not known", open.path))));
        }
        if let Some(failed) = is(|step| step.effect == Effect::Once && step.state == Stands::Failed(Trace::Something)) {
            return Ok(Some(Came::Failed(reason(&failed.exit))));
        }
        let done = is(|step| step.state == Stands::Done);
        Ok(done.filter(|_| !invocation.makes_steps()).map(|step| {
            let said = step.exit["summary"].as_str().or(step.exit["proof"].as_str()).unwrap_or("it was done");
            Came::Done { out: written(&step.exit), said: said.to_owned() }
        }))
    }
}

/// A fault as a report: of a script the end of what it wrote is in it.
fn failed(fault: &Fault) -> Report {
    let fact = |cause: &String| Fact { label: "", value: Cell::from(cause.as_str()), note: String::new() };
    let section = Section {
        status: Status::Critical,
        headline: fault.message.clone(),
        advice: String::new(),
        facts: fault.causes.iter().map(fact).collect(),
        tables: Vec::new(),
    };
    Report {
        sections: vec![section],
        next: Vec::new(),
        data: json!({ "fault": fault.one_line() }),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: Found::Problem,
    }
}

/// What a command that ended came to, by its word and by what it wrote down.
fn judged(invocation: &Invocation, done: Result<Report, Fault>, attempts: &[Step], declared: Option<Effect>) -> Came {
    let any = |state| attempts.iter().any(|step| step.state == state);
    match done {
        // It was done, and was seen not to have worked.
        Ok(report) if report.outcome == Found::Problem && !invocation.makes_steps() => Came::Failed(line(&report)),
        Ok(report) => Came::Done { said: line(&report), out: answer(report, !invocation.makes_steps()) },
        Err(fault) if any(Stands::Failed(Trace::Something)) => {
            let again = declared == Some(Effect::Idempotent) || invocation.effect() == Effect::Idempotent;
            let word = if again { " (it may be repeated: `ira run resume`)" } else { "" };
            Came::Failed(format!("{}{word}", fault.one_line()))
        }
        // What it set could not be read back: verify will see.
        Err(fault) if any(Stands::Done) && !invocation.makes_steps() => {
            let done = attempts.iter().rfind(|step| step.state == Stands::Done);
            Came::Done { out: done.map(|step| written(&step.exit)).unwrap_or_default(), said: fault.one_line() }
        }
        Err(fault) if any(Stands::Done) => Came::Failed(fault.one_line()),
        Err(fault) => Came::Refused(fault.one_line()),
    }
}

/// What later steps see of one that wrote: of an action what it did, of a command all that it says.
fn answer(report: Report, single: bool) -> Json {
    match report.data.get("actions").and_then(|all| all.get(0)).filter(|_| single) {
        Some(action) => action.clone(),
        None => report.data,
    }
}

/// The same as far as it was written down.
fn written(exit: &Json) -> Json {
    let mut out = json!({ "status": "done", "proof": exit.get("summary").or(exit.get("proof")) });
    for (name, value) in exit["data"].as_object().into_iter().flatten() {
        out[name] = value.clone();
    }
    out
}

/// Why an attempt failed, as it was written down.
fn reason(exit: &Json) -> String {
    let said = ["fault", "reason", "refused"].iter().find_map(|name| exit[*name].as_str());
    said.map_or_else(|| exit.to_string(), str::to_owned)
}
