//! One drill, from its record to its end: written down, broken, told, watched, taken back, judged.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ira_commands::context::Ended;
use ira_commands::playbook::{KeyPart, Mode, Playbook};
use ira_commands::{Effect, Fault, Kind};
use serde_json::{Value as Json, json};

use super::child::Injector;
use super::mark::{self, Order};
use super::send::Post;
use super::watch::{Seen, Wanted, follow, look};
use super::{faults, injector, refuse};
use crate::config::{Config, DrillConfig, Inject};
use crate::engine::standing;
use crate::remediate::state;
use crate::store::ask::{HandBegin, Suspend};
use crate::store::model::AttemptId;
use crate::store::{self, Guard, Store};

/// How long what is left is waited for once the time is over: the run's own end.
const GRACE: Duration = Duration::from_secs(5);

/// A drill that may be done.
pub(super) struct Drill {
    /// Its name in the configuration.
    pub name: String,
    /// What is set of it.
    pub own: DrillConfig,
    /// The playbook.
    pub playbook: Playbook,
    /// What its run is about.
    pub key: Vec<KeyPart>,
    pub config: Arc<Config>,
    /// The file that was named on the command line.
    pub file: Option<PathBuf>,
    pub store: Arc<dyn Store>,
    /// Who does it, for the record.
    pub actor: String,
    /// Whether the alert is that of the real monitoring.
    pub real: bool,
}

/// What came of one.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub seen: Seen,
    /// When it was broken, unix milliseconds.
    pub broken_at: u64,
    /// What was broken, in words.
    pub broken: String,
    /// What was taken back, in words; a fault where that did not work.
    pub back: Result<String, Fault>,
    pub passed: bool,
    /// Why not.
    pub why: String,
    /// What it lowered.
    pub demoted: bool,
    /// Whether a person ended it.
    pub interrupted: bool,
}

impl Drill {
    /// Whether nothing a playbook does ends the fault: it is taken back when the first write has begun.
    fn ends_with_write(&self) -> bool {
        matches!(
            self.own.inject,
            Inject::Delay { .. } | Inject::Cut { .. } | Inject::Load { .. } | Inject::DropHitRatio { .. }
        )
    }

    /// Whether it may be done now; what would be done, in words. Nothing is changed.
    pub(super) async fn look(&self) -> Result<String, Fault> {
        refuse::now(self.store.as_ref(), &self.config, &self.own, &self.playbook, &self.key).await?;
        faults::of(&self.config, &self.name, &self.own.inject).look().await
    }

    /// Does it.
    pub(super) async fn perform(&self, say: &(dyn Fn(&str) + Sync)) -> Result<Outcome, Fault> {
        let post = if self.real { None } else { Some(Post::of(&self.config, &self.own)?) };
        let folder = state()?;
        let _held = store::hold(&folder, &lock(&self.name))?;
        refuse::now(self.store.as_ref(), &self.config, &self.own, &self.playbook, &self.key).await?;
        let now = self.store.now().await?;
        let within = Duration::from_secs(self.own.within);
        let order = Order {
            id: format!("{:016x}", rand::random::<u64>()),
            name: self.name.clone(),
            playbook: self.own.playbook.clone(),
            fault: self.own.inject.word().to_owned(),
            target: self.own.inject.target(),
            rung: self.own.rung,
            params: self.own.params.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            pages: self.own.pages,
            until: now + u64::try_from((within + 4 * GRACE).as_millis()).unwrap_or(u64::MAX),
        };
        let attempt = self.begin(&order).await?;
        let done = self.done(&order, post.as_ref(), say).await;
        let (ended, failed) = match &done {
            Ok(outcome) if outcome.passed => (Ended::Done(self.record(outcome)), None),
            Ok(outcome) => {
                let judged = !outcome.interrupted;
                (Ended::Failed(self.record(outcome)), judged.then(|| outcome.why.clone()))
            }
            Err(fault) => (Ended::NotDone(json!({ "why": fault.one_line() })), None),
        };
        self.store.hand_end(attempt, ended).await?.map_err(Fault::from)?;
        let mut outcome = done?;
        if let Some(why) = failed {
            outcome.demoted = self.demote(&why).await?;
        }
        Ok(outcome)
    }

    /// Writes down that it begins: from then on its alert is known to be of a drill.
    async fn begin(&self, order: &Order) -> Result<AttemptId, Fault> {
        let ask = HandBegin {
            run: None,
            key: format!("drill:{}", order.id),
            path: format!("{}{}/{}", mark::PATH, self.own.playbook, self.name),
            effect: Effect::Once,
            worker: format!("drill:{}", std::process::id()),
            at: None,
            begun: mark::written(order),
            added: Vec::new(),
        };
        Ok(self.store.hand_begin(ask).await?.map_err(Fault::from)?.id)
    }

    async fn done(&self, order: &Order, post: Option<&Post>, say: &(dyn Fn(&str) + Sync)) -> Result<Outcome, Fault> {
        let (mut injector, broken) = Injector::start(&self.name, self.file.as_deref()).await?;
        let broken_at = self.store.now().await?;
        say(&format!("broken: {broken}"));
        let mut seen = Seen::default();
        let mut sent = None;
        let mut back = None;
        let mut interrupted = false;
        let watching = async {
            match post {
                Some(post) => {
                    tokio::time::sleep(Duration::from_secs(self.own.after)).await;
                    sent = Some(self.store.now().await? / 1000);
                    post.send(&self.own, &order.id, sent.unwrap_or_default(), None).await?;
                    say(&format!("alert: sent to {}, as [sources.{}] would", post.label(), self.own.source));
                }
                None => say("alert: waiting for the one that monitoring sends"),
            }
            self.follow(order, broken_at, &mut injector, &mut back, &mut seen, say).await
        };
        let watched = tokio::select! {
            watched = watching => watched,
            _ = tokio::signal::ctrl_c() => {
                interrupted = true;
                Ok(())
            }
        };
        let back = match back {
            Some(back) => back,
            None => injector.back().await,
        };
        drop(injector);
        let back = match back {
            Ok(back) => Ok(back),
            // It has died: what it left is written down.
            Err(fault) => self.rescued(&fault).await,
        };
        if let Ok(said) = back.as_ref().map(|said| said.trim())
            && !said.is_empty()
        {
            say(&format!("taken back: {said}"));
        }
        if let (Some(post), Some(since)) = (post, sent) {
            let over = self.store.now().await? / 1000 + 1;
            if let Err(fault) = post.send(&self.own, &order.id, since, Some(over)).await {
                tracing::warn!("the alert of the drill could not be ended: {fault}");
            }
        }
        watched?;
        let passed = back.is_ok() && !interrupted && seen.passed(self.playbook.effects.any());
        let why = if passed { String::new() } else { self.why(&seen, &back, interrupted) };
        Ok(Outcome { seen, broken_at, broken, back, passed, why, demoted: false, interrupted })
    }

    /// Watches until nothing more is to come, or the time is over.
    async fn follow(
        &self,
        order: &Order,
        since: u64,
        injector: &mut Injector,
        back: &mut Option<Result<String, Fault>>,
        seen: &mut Seen,
        say: &(dyn Fn(&str) + Sync),
    ) -> Result<(), Fault> {
        let wanted = if self.real { Wanted::Real(since) } else { Wanted::Made(order.id.clone()) };
        let store = self.store.as_ref();
        let until = tokio::time::Instant::now() + Duration::from_secs(self.own.within);
        let mut before = seen.clone();
        while tokio::time::Instant::now() < until {
            let over = look(store, &wanted, &self.own.playbook, seen).await?;
            told(&before, seen, since, say);
            before.clone_from(seen);
            if self.ends_with_write() && seen.wrote.is_some() && back.is_none() {
                *back = Some(injector.back().await);
            }
            if over {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // What comes to its end in the same moment counts.
        follow(store, &wanted, &self.own.playbook, GRACE, seen).await.map(|_| ())
    }

    async fn rescued(&self, fault: &Fault) -> Result<String, Fault> {
        let taken = injector::take_back(&self.config).await?;
        let own = taken.into_iter().find(|one| match one {
            Ok(said) => said.starts_with(&format!("{}: ", self.name)),
            Err(fault) => fault.message.contains(&self.name),
        });
        match own {
            Some(Ok(said)) => Ok(format!("{said} ({})", fault.one_line())),
            Some(Err(fault)) => Err(fault),
            None => Err(fault.clone()),
        }
    }

    fn why(&self, seen: &Seen, back: &Result<String, Fault>, interrupted: bool) -> String {
        let within = ira_commands::words::Span { seconds: self.own.within };
        match (back, seen.accepted, seen.run, seen.state) {
            (Err(fault), ..) => format!("what was broken is not taken back: {}", fault.one_line()),
            _ if interrupted => "it was ended by hand".to_owned(),
            (_, None, ..) => format!("no alert came within {within}"),
            (_, _, None, _) if seen.note.is_empty() => format!("the alert was not decided within {within}"),
            (_, _, None, _) => format!("{} did not answer it: {}", self.own.playbook, seen.note),
            (_, _, Some(run), None) => format!("run {run} did not end within {within}"),
            (_, _, Some(run), Some(state)) if seen.wrote.is_none() => {
                format!("run {run} changed nothing ({state}): {}", seen.note)
            }
            (_, _, Some(run), Some(state)) => format!("run {run} ended {state}: {}", seen.note),
        }
    }

    /// What is kept of it.
    pub(super) fn record(&self, outcome: &Outcome) -> Json {
        json!({
            "drill": self.name,
            "playbook": self.own.playbook,
            "revision": self.playbook.revision,
            "fault": self.own.inject,
            "run": outcome.seen.run,
            "state": outcome.seen.state,
            "seconds": outcome.seen.times(outcome.broken_at),
            "alert": if self.real { "real" } else { "synthetic" },
            "passed": outcome.passed,
            "judged": !outcome.interrupted,
            "why": outcome.why,
            "taken_back": outcome.back.is_ok(),
            "demoted": outcome.demoted,
        })
    }

    /// A playbook that was to mend it by itself and did not goes on by itself no more; whether it was lowered.
    async fn demote(&self, why: &str) -> Result<bool, Fault> {
        let set = self.config.engine.playbooks.get(&self.own.playbook).and_then(|own| own.mode);
        let stands = standing(self.store.as_ref(), &self.playbook, set).await?;
        if stands.rung < Mode::Auto {
            return Ok(false);
        }
        let reason = format!("the drill {} failed: {why}", self.name);
        let (scope, actor) = (self.own.playbook.clone(), self.actor.clone());
        self.store.suspend(Suspend { guard: Guard::Demoted, scope, lasts: None, actor, reason }).await?;
        Ok(true)
    }
}

/// The lock that one drill of a name has.
pub(super) fn lock(name: &str) -> String {
    format!("drill-{name}")
}

/// Says what was newly seen.
fn told(before: &Seen, seen: &Seen, since: u64, say: &(dyn Fn(&str) + Sync)) {
    let after = |at: u64| ira_commands::units::duration(at.saturating_sub(since) / 1000);
    if let (None, Some(at)) = (before.accepted, seen.accepted) {
        say(&format!("detected: the alert is on the disk after {}", after(at)));
    }
    if let (None, Some(run)) = (before.run, seen.run) {
        say(&format!("run {run} answers it: ira run tail {run}"));
    }
    if let (None, Some(at)) = (before.wrote, seen.wrote) {
        say(&format!("acted: the first write began after {}", after(at)));
    }
    if let (None, Some(at)) = (before.well, seen.well) {
        say(&format!("recovered: seen to be well after {}; it has to hold", after(at)));
    }
}

/// Ends the records of drills whose process is dead.
pub(super) async fn orphans(store: &dyn Store) -> Result<(), Fault> {
    let folder = state()?;
    for (attempt, order) in mark::open(store).await? {
        let Ok(_held) = store::hold(&folder, &lock(&order.name)) else { continue };
        let why = json!({ "drill": order.name, "passed": false, "why": "its process died" });
        // Somebody else may have ended it just now.
        let _ended = store.hand_end(AttemptId(attempt), Ended::NotDone(why)).await?;
    }
    Ok(())
}

/// A fault where another machine has the record.
pub(super) fn here(config: &Config) -> Result<(), Fault> {
    match &config.remote.url {
        None => Ok(()),
        Some(url) => Err(Fault::new(Kind::Usage, "a drill is done on the machine of the daemon")
            .because(format!("daemon.url is {url}: its record and its listener are there"))
            .hint("ssh there, and do it with that machine's configuration")),
    }
}
