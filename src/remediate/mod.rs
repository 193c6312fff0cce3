//! `ira remediate`: the engine asked by hand. A playbook is chosen, its plan is shown and agreed to, it is run, verified,
//! or handed to a person.

mod choose;
mod hands;
mod shown;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ira_commands::playbook::{Incoming, Mode};
use ira_commands::report::Outcome;
use ira_commands::{Fault, Kind, Report, alert, shell};

use crate::cli::{OutputFlags, Reach, RemediateArgs};
use crate::clock::SystemClock;
use crate::config::{Config, Places};
use crate::connect;
use crate::engine::{Came, Ending, Engine, TakeUp, Wanted, refused};
use crate::progress::Silent;
use crate::session::{Session, block_on, patiently};
use crate::store::ask::{Override, Suspend, Verdict};
use crate::store::model::RunId;
use crate::store::{Guard, Store};
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
    let wanted = |key: String, overrides: Vec<Override>| Wanted {
        key,
        delivery_id: None,
        group_key: String::new(),
        playbook: &chosen.playbook,
        text: &chosen.text,
        alert,
        params: given.clone(),
        // By hand a person's yes to the plan is the approval on every rung.
        rung: Mode::Approve,
        overrides,
        by: around.actor.clone(),
        page: None,
        escalate_in: None,
    };
    let mut agreed = None;
    if chosen.playbook.effects.any() {
        // By hands that hold no write port, and over no store of this machine.
        let preview = block_on(Box::pin(async {
            engine(around, store::open("memory:")?, true)?.preview(&wanted("plan".to_owned(), Vec::new())).await
        }))?;
        let report = shown::plan(chosen, alert, &preview, "nobody is paged if this process or this machine dies");
        let rung = around.args.mode.map_or(Mode::Auto, Mode::from);
        if around.args.dry_run || rung <= Mode::Suggest {
            return Ok(session.show(report, 0));
        }
        if !around.args.yes && preview.stopped.is_none() {
            if !session.can_ask() {
                return Ok(unconfirmed(session, around, report, "there is no terminal to ask at"));
            }
            session.tell(&report);
            if !crate::apply::asked()? {
                return Err(Fault::new(Kind::Confirmation, "nothing was done: it was not agreed to"));
            }
        }
        agreed = Some(preview.plan.hash);
    }
    let (came, report) = patiently(Box::pin(async {
        let store = store::open(&uri(&around.config)?)?;
        windows(store.as_ref(), &around.config, &around.actor).await?;
        let engine = engine(around, store, false)?;
        let key = format!("hand:{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>());
        let run = engine.admit(wanted(key, overrides(around)?)).await?.run().id;
        let came = to_its_end(&engine, run, agreed.as_deref(), &around.actor).await?;
        Ok((came, runs::show(engine.store.as_ref(), run).await?))
    }))?;
    if matches!(&came, Came::Ended(_, Ending::NotAgreed)) {
        return Ok(unconfirmed(session, around, report, "what the plan was made on has changed since"));
    }
    Ok(session.show(report, exit(&came)))
}

/// The exit code of where a run stands.
fn exit(came: &Came) -> u8 {
    match came {
        Came::Ended(_, Ending::Verified | Ending::Done | Ending::Resolved) => 0,
        Came::Ended(_, Ending::Failed) => Kind::Failed.exit_code(),
        Came::Denied(..) | Came::Ended(_, Ending::Denied) | Came::Lost(_) => Kind::Busy.exit_code(),
        _ => Outcome::Problem.exit_code(),
    }
}

/// Goes on with a run, or takes it back; gives the exit code.
pub fn take_up(session: &mut Session, run: u64, how: TakeUp, output: &OutputFlags, env: Env<'_>) -> Result<u8, Fault> {
    let config = connect::effective(output)?;
    session.configure(config.output);
    let (args, reach) = (RemediateArgs::default(), Reach::default());
    let around = Around { args: &args, reach: &reach, output, config, actor: actor(env) };
    let (came, report) = patiently(Box::pin(async {
        let engine = engine(&around, store::open(&uri(&around.config)?)?, false)?;
        let id = RunId(run);
        heard(engine.take_up(id, &around.actor, how).await?)?;
        // What was agreed to is in the record; a plan that nobody saw is not carried out.
        let came = to_its_end(&engine, id, None, &around.actor).await?;
        Ok((came, runs::show(engine.store.as_ref(), id).await?))
    }))?;
    Ok(session.show(report, exit(&came)))
}

fn heard<T>(verdict: Verdict<T>) -> Result<T, Fault> {
    verdict.map_err(|denial| refused(&denial))
}

fn overrides(around: &Around<'_>) -> Result<Vec<Override>, Fault> {
    let read = |word: &String| {
        let guard = Guard::of_word(word)
            .ok_or_else(|| Fault::new(Kind::Usage, format!("`{word}` is no guard that can be overridden")))?;
        let reason = around.args.reason.clone().unwrap_or_default();
        Ok(Override { guard, reason, actor: around.actor.clone() })
    };
    around.args.overrides.iter().map(read).collect()
}

fn engine(around: &Around<'_>, store: Arc<dyn Store>, dry: bool) -> Result<Engine, Fault> {
    let hands =
        LocalHands { output: around.output.clone(), reach: around.reach.clone(), progress: Arc::new(Silent), dry };
    let worker = format!("hand:{}:{}", around.actor, std::process::id());
    let mut engine = Engine::new(store, Arc::new(hands), worker, state()?);
    engine.budgets.clone_from(&around.config.engine.budgets);
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

/// Drives a run to its end; `agreed` is the plan that was said yes to. The first Ctrl-C cancels it, and what was done is
/// taken back; the second leaves it as it is.
async fn to_its_end(engine: &Engine, run: RunId, agreed: Option<&str>, actor: &str) -> Result<Came, Fault> {
    let work = Box::pin(async {
        loop {
            match heard(engine.follow(run, &Lines).await?)? {
                Came::Asks(plan, _) => {
                    heard(engine.answer(run, &plan.hash, agreed == Some(plan.hash.as_str()), actor).await?)?;
                }
                other => return Ok(other),
            }
        }
    });
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
                heard(engine.store.cancel(run, actor).await?)?;
            }
        }
    }
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
