//! `ira remediate`: the engine asked by hand. A playbook is chosen, its plan is shown and agreed to, it is run, verified,
//! or handed to a person.

mod choose;
mod hands;
mod shown;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::playbook::{Incoming, Mode};
use ira_commands::report::Outcome;
use ira_commands::{Fault, Kind, Report, alert, shell};

use crate::cli::{OutputFlags, Reach, RemediateArgs};
use crate::clock::SystemClock;
use crate::config::{Config, Places};
use crate::connect;
use crate::engine::{Came, Consent, Engine, PlanDocument, Wanted};
use crate::progress::Silent;
use crate::session::{Session, block_on, patiently};
use crate::store::ask::{Override, Suspend};
use crate::store::model::{Run, RunId};
use crate::store::{Guard, RunState, Store};
use crate::terminal::{Env, write_stderr};
use crate::{input, playbooks, runs, store};
use choose::{Chosen, choose, params};
use hands::LocalHands;
use shown::Lines;

/// What is asked around a run.
struct Around<'a> {
    args: &'a RemediateArgs,
    reach: &'a Reach,
    output: &'a OutputFlags,
    config: Arc<Config>,
    /// Who asks.
    actor: String,
}

/// Keeps the plan, and agrees to nothing.
#[derive(Default)]
struct Shown(Mutex<Option<PlanDocument>>);

#[async_trait]
impl Consent for Shown {
    async fn agree(&self, _run: RunId, plan: &PlanDocument) -> Result<bool, Fault> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan.clone());
        Ok(false)
    }
}

/// Agrees to the plan that a person said yes to, and to no other.
struct Agreed(String);

#[async_trait]
impl Consent for Agreed {
    async fn agree(&self, _run: RunId, plan: &PlanDocument) -> Result<bool, Fault> {
        Ok(plan.hash == self.0)
    }
}

/// Runs a playbook for each firing alert; gives the worst exit code.
pub fn remediate(
    session: &mut Session,
    args: &RemediateArgs,
    reach: &Reach,
    output: &OutputFlags,
    env: Env<'_>,
) -> Result<u8, Fault> {
    let config = connect::effective(output)?;
    session.configure(config.output);
    let alerts = alert::parse(&input::text(&args.alert, "the alert", input::ALERT)?)?;
    let firing: Vec<_> = alerts.into_iter().filter(|alert| !alert.resolved).collect();
    if firing.is_empty() {
        return Ok(session.show(runs::line("Nothing to do: the alert is resolved.".to_owned()), 0));
    }
    let sources = playbooks::all(output)?;
    let around = Around { args, reach, output, config, actor: actor(env) };
    let mut worst = 0;
    for alert in firing {
        let incoming = Incoming { source: args.source.clone(), alert, starts_at: None };
        let chosen = choose(&sources, args.playbook.as_deref(), &incoming)?;
        let code = one(session, &around, &chosen, &incoming)?;
        worst = worst.max(code);
    }
    Ok(worst)
}

/// Who asks, for the record.
pub fn actor(env: Env<'_>) -> String {
    env("USER").filter(|name| !name.is_empty()).unwrap_or_else(|| "hand".to_owned())
}

fn one(session: &mut Session, around: &Around<'_>, chosen: &Chosen, alert: &Incoming) -> Result<u8, Fault> {
    let given = params(&chosen.playbook, &around.args.params)?;
    let wanted = |key: String| Wanted {
        key,
        playbook: &chosen.playbook,
        text: &chosen.text,
        alert,
        params: given.clone(),
        by: around.actor.clone(),
        page: None,
        escalate_in: None,
    };
    // Planned in a store of its own, by hands that hold no write port.
    let writes = chosen.playbook.effects.any();
    let agreed = if writes {
        let seen = Shown::default();
        let came = block_on(async {
            let engine = engine(around, store::open("memory:")?, true)?;
            let run = engine.admit(wanted("plan".to_owned())).await?.run().id;
            settled(&engine, run, &seen).await
        })?;
        let document = seen.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(document) = document else { return Ok(unplanned(session, &came)) };
        let report = shown::plan(chosen, alert, &document, "nobody is paged: no pager is asked by hand");
        let rung = around.args.mode.map_or(Mode::Auto, Mode::from);
        if around.args.dry_run || rung <= Mode::Suggest {
            return Ok(session.show(report, 0));
        }
        if !around.args.yes {
            if !session.can_ask() {
                return Ok(unconfirmed(session, around, report, "there is no terminal to ask at"));
            }
            session.tell(&report);
            if !crate::apply::asked()? {
                return Err(Fault::new(Kind::Confirmation, "nothing was done: it was not agreed to"));
            }
        }
        Agreed(document.hash)
    } else {
        Agreed(String::new())
    };
    let (came, report) = patiently(async {
        let store = store::open(&uri(&around.config)?)?;
        windows(store.as_ref(), &around.config, &around.actor).await?;
        let engine = engine(around, store, false)?;
        let key = format!("hand:{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>());
        let run = engine.admit(wanted(key)).await?.run().id;
        let came = to_its_end(&engine, run, &agreed, &around.actor).await?;
        Ok((came, runs::show(engine.store.as_ref(), run).await?))
    })?;
    let code = match &came {
        Came::NotAgreed(_) => {
            let why = "what the plan was made on has changed since";
            return Ok(unconfirmed(session, around, report, why));
        }
        Came::Denied(..) => Kind::Busy.exit_code(),
        Came::Ended(run) => exit(run),
        Came::Waits(_) | Came::Sleeps(_) => Outcome::Problem.exit_code(),
    };
    Ok(session.show(report, code))
}

/// The exit code of a run that ended.
fn exit(run: &Run) -> u8 {
    match run.state {
        RunState::Succeeded => 0,
        // Nothing was done because nothing was to be done any more.
        RunState::Cancelled if run.note.starts_with("resolved") => 0,
        RunState::Failed => Kind::Failed.exit_code(),
        _ => Outcome::Problem.exit_code(),
    }
}

fn engine(around: &Around<'_>, store: Arc<dyn Store>, dry: bool) -> Result<Engine, Fault> {
    let hands =
        LocalHands { output: around.output.clone(), reach: around.reach.clone(), progress: Arc::new(Silent), dry };
    let worker = format!("hand:{}:{}", around.actor, std::process::id());
    let mut engine = Engine::new(store, Arc::new(hands), worker, state()?);
    engine.budgets.clone_from(&around.config.engine.budgets);
    for word in &around.args.overrides {
        let guard = Guard::of_word(word)
            .ok_or_else(|| Fault::new(Kind::Usage, format!("`{word}` is no guard that can be overridden")))?;
        let reason = around.args.reason.clone().unwrap_or_default();
        engine.overrides.push(Override { guard, reason, actor: around.actor.clone() });
    }
    Ok(engine)
}

/// Where this machine keeps what outlives a process.
pub fn state() -> Result<PathBuf, Fault> {
    Places::state().ok_or_else(|| {
        Fault::new(Kind::Failed, "there is no folder for the record: the home folder is not known")
            .hint("set HOME, or XDG_STATE_HOME")
    })
}

/// The store that is configured, else that of the state folder.
pub fn uri(config: &Config) -> Result<String, Fault> {
    match &config.engine.store {
        Some(uri) => Ok(uri.clone()),
        None => Ok(format!("sqlite:{}", state()?.join(store::FILE).display())),
    }
}

/// Writes down the maintenance windows that are open now.
async fn windows(store: &dyn Store, config: &Config, actor: &str) -> Result<(), Fault> {
    let now = ira_commands::ports::Clock::now(&SystemClock);
    for (name, window) in config.engine.maintenance.iter().filter(|(_, one)| (one.from..one.until).contains(&now)) {
        store
            .suspend(Suspend {
                guard: Guard::Maintenance,
                scope: window.scope.clone(),
                lasts: Some(Duration::from_secs(window.until - now)),
                actor: actor.to_owned(),
                reason: format!("maintenance window {name}"),
            })
            .await?;
    }
    Ok(())
}

/// Drives a run until it does not only sleep.
async fn settled(engine: &Engine, run: RunId, consent: &dyn Consent) -> Result<Came, Fault> {
    loop {
        match engine.drive(run, consent, &crate::engine::Unwatched).await? {
            Came::Sleeps(length) => tokio::time::sleep(length).await,
            other => return Ok(other),
        }
    }
}

/// Drives a run to its end. The first Ctrl-C cancels it, and what was done is taken back; the second leaves it as it is.
async fn to_its_end(engine: &Engine, run: RunId, consent: &dyn Consent, actor: &str) -> Result<Came, Fault> {
    let work = async {
        loop {
            engine.store.due().await?;
            match engine.drive(run, consent, &Lines).await? {
                Came::Sleeps(length) => tokio::time::sleep(length).await,
                other => return Ok(other),
            }
        }
    };
    let mut work = std::pin::pin!(work);
    let mut asked = false;
    loop {
        tokio::select! {
            biased;
            came = &mut work => return came,
            signal = tokio::signal::ctrl_c() => {
                if asked || signal.is_err() {
                    return Err(Fault::new(Kind::Interrupted, format!("run {run} is left as it is"))
                        .hint(format!("ira run resume {run}")));
                }
                asked = true;
                write_stderr("cancelling: the step under way ends, then what can be is taken back (Ctrl-C again leaves it)\n");
                engine.store.cancel(run, actor).await?.map_err(Fault::from)?;
            }
        }
    }
}

fn unplanned(session: &Session, came: &Came) -> u8 {
    let run = match came {
        Came::Ended(run) | Came::NotAgreed(run) | Came::Denied(_, run) | Came::Waits(run) => run,
        Came::Sleeps(_) => return Outcome::Problem.exit_code(),
    };
    let code = if let Came::Denied(..) = came { Kind::Busy.exit_code() } else { exit(run) };
    session.show(runs::line(format!("No plan: {}.", run.note)), code)
}

/// Shows a plan that is not carried out, and the line that does.
fn unconfirmed(session: &Session, around: &Around<'_>, mut report: Report, why: &str) -> u8 {
    let mut words = vec!["ira".to_owned(), "remediate".to_owned()];
    words.extend(around.args.playbook.clone());
    words.extend(["--alert".to_owned(), shell::word(&around.args.alert.display().to_string())]);
    words.extend(around.args.params.iter().map(|param| format!("--param {}", shell::word(param))));
    words.extend(
        around
            .output
            .config
            .as_deref()
            .map(|path: &Path| format!("--config {}", shell::word(&path.display().to_string()))),
    );
    words.push("--yes".to_owned());
    let line = words.join(" ");
    let fault = Fault::new(Kind::Confirmation, format!("nothing was done: {why}")).hint(line.clone());
    report.next = vec![line];
    let code = fault.kind.exit_code();
    report.errors.push(fault);
    session.show(report, code)
}
