//! Runs, one after the other, with somebody who watches and may press Ctrl-C.

use std::sync::Arc;

use ira_commands::{Fault, Kind, Report};

use super::case::{Case, Next};
use super::choose::Chosen;
use super::lines::Lines;
use super::{Around, paged, wanted};
use crate::engine::{Came, Ending, Engine, PlanDocument, TakeUp, refused};
use crate::progress::Drawn;
use crate::store::RunState;
use crate::store::ask::{Admission, Verdict};
use crate::store::model::RunId;
use crate::terminal::write_stderr;

/// How the name of a worker by hand begins.
const HAND: &str = "hand:";

/// The name of this process as a worker.
pub fn worker(actor: &str) -> String {
    format!("{HAND}{actor}:{}", std::process::id())
}

/// What tells the runs by hand from each other.
fn hand_key() -> String {
    format!("{HAND}{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>())
}

/// Whether a worker was a process by hand on this machine that is not there any more.
#[cfg(unix)]
fn is_gone(worker: &str) -> bool {
    let Some((_, pid)) = worker.strip_prefix(HAND).and_then(|rest| rest.rsplit_once(':')) else { return false };
    let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

/// Whether a worker was a process by hand on this machine that is not there any more: not known here.
#[cfg(not(unix))]
fn is_gone(_worker: &str) -> bool {
    false
}

/// What came of a run.
pub struct Acted {
    /// Which.
    pub run: RunId,
    /// Where it stands.
    pub came: Came,
    /// The run as it is shown.
    pub report: Report,
    /// Whether a person pressed Ctrl-C.
    pub interrupted: bool,
}

/// What came of a case.
pub enum Done {
    /// It was run.
    Ran(Box<Acted>),
    /// It was not begun; why.
    Not(Fault),
    /// Its run was ended as covered by that of an earlier case: with what came of that one, and its place.
    Covered(Box<Acted>, usize),
    /// There was nothing to begin.
    Nothing,
}

/// Runs of one command.
pub struct Act<'a> {
    engine: &'a Engine,
    around: &'a Around<'a>,
    drawn: Option<Arc<Drawn>>,
    width: Option<u16>,
}

impl<'a> Act<'a> {
    pub fn new(engine: &'a Engine, around: &'a Around<'a>, drawn: Option<Arc<Drawn>>, width: Option<u16>) -> Self {
        Self { engine, around, drawn, width }
    }

    /// Runs every case that can be, in order. After a Ctrl-C none is begun.
    pub async fn all(&mut self, cases: &[Case]) -> Result<Vec<Done>, Fault> {
        let mut done = Vec::new();
        let mut stopped = false;
        for (at, case) in cases.iter().enumerate() {
            if let Next::Same(first) = case.next() {
                let covered = self.covered(case, first, done.get(first)).await?;
                done.push(covered);
                continue;
            }
            let begins = match case.next() {
                Next::Agree | Next::Run => true,
                // Without anybody at a terminal what stops it is written down, too.
                Next::Stop(_) | Next::Denied(_) => self.around.args.yes,
                Next::Same(_) | Next::Fault(_) => false,
            };
            let (Ok(chosen), true) = (&case.chosen, begins) else {
                done.push(Done::Nothing);
                continue;
            };
            if stopped {
                done.push(Done::Not(Fault::new(Kind::Interrupted, "it was not begun: another one was cancelled")));
                continue;
            }
            if cases.len() > 1 {
                self.say(&format!("{} · {}: {}\n", at + 1, case.subject(), case.playbook()));
            }
            match self.one(case, chosen).await {
                Ok(acted) => {
                    stopped = acted.interrupted;
                    done.push(Done::Ran(Box::new(acted)));
                }
                Err(fault) if cases.len() == 1 || fault.kind == Kind::Interrupted => return Err(fault),
                Err(fault) => done.push(Done::Not(fault)),
            }
        }
        Ok(done)
    }

    fn say(&self, text: &str) {
        match &self.drawn {
            Some(drawn) => drawn.above(|| write_stderr(text)),
            None => write_stderr(text),
        }
    }

    /// A record of its own for an alert about what an earlier one was about, too: the same is acted on once.
    async fn covered(&self, case: &Case, first: usize, done: Option<&Done>) -> Result<Done, Fault> {
        let (Ok(chosen), Some(Done::Ran(acted))) = (&case.chosen, done) else { return Ok(Done::Nothing) };
        let Some(by) = self.engine.store.run(acted.run).await?.map(|story| story.run) else { return Ok(Done::Nothing) };
        let key = hand_key();
        let wanted = wanted(self.around, case, &chosen.playbook, &chosen.text, &key);
        let run = match self.engine.admit(wanted).await? {
            Admission::New(run) | Admission::Again(run) => run.id,
            // The very same alert, and its run has not ended: that is its record.
            Admission::Active(_) => return Ok(Done::Nothing),
        };
        let ended = heard(self.engine.covered(run, &by).await?)?;
        let came = Came::Ended(Box::new(ended), Ending::Covered);
        let report = paged::told(self.engine, self.around, run).await?;
        Ok(Done::Covered(Box::new(Acted { run, came, report, interrupted: false }), first))
    }

    async fn one(&self, case: &Case, chosen: &Chosen) -> Result<Acted, Fault> {
        let key = hand_key();
        let wanted = wanted(self.around, case, &chosen.playbook, &chosen.text, &key);
        let wanted = paged::paged(wanted, self.around, self.engine.store.as_ref()).await?;
        let run = match self.engine.admit(wanted).await? {
            Admission::New(run) | Admission::Again(run) => run.id,
            Admission::Active(run) => {
                return Err(Fault::new(
                    Kind::Busy,
                    format!("run {} is for this alert already, and has not ended", run.id),
                )
                .because(format!("it is {}", run.state))
                .hint(format!("ira run show {0}, then: ira run resume {0}, or ira run cancel {0}", run.id)));
            }
        };
        let agreed = case.preview.as_ref().map(|preview| preview.plan.hash.as_str());
        self.to_its_end(run, agreed, false).await
    }

    /// Goes on with a run, or takes it back.
    pub async fn take_up(&mut self, run: RunId, how: TakeUp) -> Result<Acted, Fault> {
        let known = self.engine.store.run(run).await?.map(|story| story.run);
        if let Some(known) = &known
            && known.state.terminal()
            && !matches!(known.state, RunState::Escalated | RunState::Failed)
        {
            return Err(Fault::new(Kind::Usage, format!("run {run} has ended: {}", known.state))
                .hint(format!("ira run show {run}")));
        }
        let orphan = known.and_then(|run| run.owner).is_some_and(|owner| is_gone(&owner));
        heard(self.engine.take_up(run, &self.around.actor, how).await?)?;
        self.to_its_end(run, None, orphan).await
    }

    /// Drives a run to its end; `agreed` is the plan that was said yes to. The first Ctrl-C cancels it, and what was done
    /// is taken back; the second leaves it as it is.
    async fn to_its_end(&self, run: RunId, agreed: Option<&str>, orphan: bool) -> Result<Acted, Fault> {
        let (engine, actor) = (self.engine, self.around.actor.as_str());
        let lines = Lines::new(self.drawn.clone(), self.width);
        let work = Box::pin(async {
            let mut orphan = orphan;
            loop {
                // The lease of a process that is dead is not waited for.
                let came = if std::mem::take(&mut orphan) {
                    heard(engine.drive_orphan(run, &lines).await?)?
                } else {
                    heard(engine.follow(run, &lines).await?)?
                };
                match came {
                    Came::Sleeps(_) => {}
                    Came::Asks(plan, asked) => {
                        let Some(agreed) = agreed else { return Ok::<Came, Fault>(Came::Asks(plan, asked)) };
                        let yes = agreed == plan.hash;
                        if !yes {
                            self.changed(&plan);
                        }
                        heard(engine.answer(run, &plan.hash, yes, actor).await?)?;
                    }
                    other => return Ok(other),
                }
            }
        });
        let mut work = std::pin::pin!(work);
        let mut interrupted = false;
        let came = loop {
            tokio::select! {
                biased;
                came = &mut work => match came {
                    Err(fault) if fault.kind == Kind::Busy => match self.ended(run).await? {
                        // A person ended it from elsewhere.
                        Some(came) => break came,
                        None => return Err(fault),
                    },
                    came => break came?,
                },
                signal = tokio::signal::ctrl_c() => {
                    if interrupted || signal.is_err() {
                        return Err(Fault::new(Kind::Interrupted, format!("run {run} is left as it is"))
                            .because("what it began is written down; its page stays armed")
                            .hint(format!("ira run resume {run}")));
                    }
                    interrupted = true;
                    self.say(&format!(
                        "Cancelling run {run}: the step under way ends, then what can be is taken back. Ctrl-C again leaves it.\n"
                    ));
                    heard(engine.store.cancel(run, actor).await?)?;
                }
            }
        };
        Ok(Acted { run, came, report: paged::told(engine, self.around, run).await?, interrupted })
    }

    /// How a run ended that this process did not end.
    async fn ended(&self, run: RunId) -> Result<Option<Came>, Fault> {
        let story = self.engine.store.run(run).await?;
        Ok(story.map(|story| story.run).and_then(|run| {
            let ending = match run.state {
                RunState::Succeeded => Ending::Verified,
                RunState::Cancelled => Ending::Cancelled,
                RunState::Failed => Ending::Failed,
                RunState::Escalated => Ending::OutOfTime,
                _ => return None,
            };
            Some(Came::Ended(Box::new(run), ending))
        }))
    }

    /// The plan is another one by now.
    fn changed(&self, plan: &PlanDocument) {
        let said: Vec<String> = plan.lines().iter().map(|line| format!("    {line}\n")).collect();
        self.say(&format!("  ! the plan has changed, and is not carried out; it is now:\n{}", said.concat()));
    }
}

fn heard<T>(verdict: Verdict<T>) -> Result<T, Fault> {
    verdict.map_err(|denial| refused(&denial))
}
