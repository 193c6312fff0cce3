//! `ira remediate`: the engine asked by hand. A playbook is chosen, its plan is shown and agreed to, it is run, verified,
//! or handed to a person.

mod act;
mod alarm;
mod case;
mod choose;
mod ended;
mod foresee;
mod hands;
mod lines;
mod paged;
mod rounds;
pub mod served;
mod shown;
pub mod watcher;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ira_commands::alert::Alert;
use ira_commands::playbook::present::Source;
use ira_commands::playbook::{Incoming, Mode, Playbook};
use ira_commands::ports::Progress;
use ira_commands::{Fault, Kind, Report, alert, shell};

use crate::cli::{Format, OutputFlags, Reach, RemediateArgs};
use crate::clock::SystemClock;
use crate::config::{Config, Places};
use crate::connect;
use crate::engine::{Came, Engine, TakeUp, Wanted, overridable};
use crate::session::{Session, block_on, patiently};
use crate::store::ask::{Override, Suspend};
use crate::store::model::RunId;
use crate::store::{Guard, Store};
use crate::terminal::Env;
use crate::{input, playbooks, runs, store};
use act::{Act, Acted};
use case::{Case, Next};
use choose::choose;
pub use hands::LocalHands;
pub(crate) use paged::told_of;

pub use choose::{Chosen, params};
pub use foresee::foresee;
pub use served::exit;

/// What is asked around a run.
struct Around<'a> {
    args: &'a RemediateArgs,
    reach: &'a Reach,
    output: &'a OutputFlags,
    config: Arc<Config>,
    /// Who asks.
    actor: String,
    /// What is overridden, and why.
    overrides: Vec<Override>,
    /// Where progress is said.
    progress: Arc<dyn Progress>,
    /// The alerts as they came.
    text: String,
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
    let actor = actor(env);
    let overrides = overrides(args, &actor)?;
    let text = input::text(&args.alert, "the alert", input::ALERT)?;
    let alerts = alert::parse(&text)?;
    let (over, firing): (Vec<_>, Vec<_>) = alerts.into_iter().partition(|alert| alert.resolved);
    if firing.is_empty() {
        let said = if over.len() == 1 { "the alert is resolved" } else { "every alert is resolved" };
        return Ok(session.show(runs::line(format!("Nothing to do: {said}.")), 0));
    }
    let shown = session.progress(env);
    let around = Around { args, reach, output, config, actor, overrides, progress: shown.sink(), text };
    let looked = looked(&around, &playbooks::all(output)?, firing);
    shown.finish();
    let mut cases = looked?;
    if let [Case { chosen: chosen @ Err(_), .. }] = cases.as_mut_slice() {
        let none = Fault::new(Kind::Failed, "there is no playbook");
        return Err(std::mem::replace(chosen, Err(none)).err().unwrap_or_else(|| Fault::new(Kind::Failed, "none")));
    }
    answer(session, &around, &cases, env)
}

/// Each alert with its playbook, its plan and what the guards say; nothing is written, not even to the store.
fn looked(around: &Around<'_>, sources: &[Source], firing: Vec<Alert>) -> Result<Vec<Case>, Fault> {
    let chosen = |alert: Alert| {
        let incoming = Incoming { source: around.args.source.clone(), alert, starts_at: None };
        let chosen = choose(sources, around.args.playbook.as_deref(), &incoming);
        let chosen = chosen.and_then(|chosen| {
            let params = params(&chosen.playbook, &around.args.params)?;
            Ok((chosen, params))
        });
        Case::new(incoming, chosen)
    };
    let mut cases: Vec<Case> = Vec::new();
    for case in firing.into_iter().map(chosen) {
        let same_as = cases.iter().position(|other| other.same_as.is_none() && other.is_as(&case));
        cases.push(Case { same_as, ..case });
    }
    block_on(Box::pin(async {
        look(around, &mut cases).await?;
        Ok(cases)
    }))
}

/// Looks at what each would do.
async fn look(around: &Around<'_>, cases: &mut [Case]) -> Result<(), Fault> {
    for case in cases {
        let Ok(chosen) = &case.chosen else { continue };
        if case.same_as.is_some() || !chosen.playbook.effects.any() {
            continue;
        }
        // By hands that hold no write port, and over a copy of what the guards count.
        let rehearsal = store::rehearsal(&uri(&around.config)?)?;
        windows(rehearsal.as_ref(), &around.config, &around.actor).await?;
        let engine = engine(around, rehearsal, true)?;
        let preview = engine.preview(&wanted(around, case, &chosen.playbook, &chosen.text, "plan")).await?;
        if preview.stopped.is_none() {
            let wanted = wanted(around, case, &chosen.playbook, &chosen.text, "forecast");
            case.forecast = engine.forecast(wanted, &preview.plan).await?;
        }
        case.preview = Some(preview);
    }
    Ok(())
}

/// A run for a case.
fn wanted<'a>(around: &Around<'_>, case: &'a Case, playbook: &'a Playbook, text: &'a str, key: &str) -> Wanted<'a> {
    Wanted {
        key: key.to_owned(),
        delivery_id: None,
        received: None,
        group_key: String::new(),
        playbook,
        text,
        alert: &case.alert,
        params: case.params.clone(),
        // By hand a person's yes to the plan is the approval on every rung.
        rung: Mode::Approve,
        overrides: around.overrides.clone(),
        by: around.actor.clone(),
        page: None,
        escalate_in: None,
    }
}

/// Shows what would be done, asks, and does it.
fn answer(session: &mut Session, around: &Around<'_>, cases: &[Case], env: Env<'_>) -> Result<u8, Fault> {
    let now = ira_commands::ports::Clock::now(&SystemClock) * 1_000;
    let mut plan = shown::plan(cases, &around.config, now);
    let agree = cases.iter().any(|case| case.next() == Next::Agree);
    let only_looks = cases.iter().any(|case| case.next() == Next::Run);
    let rung = around.args.mode.map_or(Mode::Auto, Mode::from);
    let writes = cases.iter().any(|case| case.preview.is_some());
    if writes && (around.args.dry_run || rung <= Mode::Suggest) {
        if agree {
            plan.next = vec![line(around, &["--yes"])];
        }
        return Ok(session.show(plan, 0));
    }
    if writes && !around.args.yes {
        if !agree && !only_looks {
            return Ok(nothing_done(session, around, cases, plan));
        }
        if agree && !session.can_ask() {
            return Ok(unconfirmed(
                session,
                around,
                plan,
                "it has to be confirmed, and there is no terminal to ask at",
            ));
        }
    }
    if writes && session.format() != Format::Json {
        session.tell(&plan);
    }
    if agree && !around.args.yes && !crate::apply::asked()? {
        return Err(Fault::new(Kind::Confirmation, "nothing was done: it was not agreed to"));
    }
    let shown = session.progress(env);
    let acted = patiently(Box::pin(async {
        let store = store::open(&uri(&around.config)?)?;
        windows(store.as_ref(), &around.config, &around.actor).await?;
        let around = Around { progress: shown.sink(), overrides: around.overrides.clone(), ..around.again() };
        let engine = paged::armed(engine(&around, store, false)?, &around).await?;
        let mut act = Act::new(&engine, &around, shown.drawn(), session.width());
        act.all(cases).await
    }));
    shown.finish();
    let (report, code) = ended::all(cases, acted?, &|more| line(around, more));
    Ok(session.show(report, code))
}

impl<'a> Around<'a> {
    /// The same once more, to be asked with other progress.
    fn again(&self) -> Around<'a> {
        Around {
            args: self.args,
            reach: self.reach,
            output: self.output,
            config: Arc::clone(&self.config),
            actor: self.actor.clone(),
            overrides: self.overrides.clone(),
            progress: Arc::clone(&self.progress),
            text: self.text.clone(),
        }
    }
}

/// Where no alert comes to anything that could be agreed to: why, and how a person goes on all the same.
fn nothing_done(session: &Session, around: &Around<'_>, cases: &[Case], mut plan: Report) -> u8 {
    let code = nothing(around, cases, &mut plan);
    if session.format() != Format::Json {
        // The plan says it.
        plan.errors.clear();
    }
    session.show(plan, code)
}

/// The same in the report; gives the exit code.
fn nothing(around: &Around<'_>, cases: &[Case], plan: &mut Report) -> u8 {
    for case in cases {
        match case.next() {
            Next::Denied(denial) => plan.errors.push(crate::engine::refused(denial)),
            Next::Stop(stop) => plan.errors.extend(shown::stopped(stop)),
            Next::Fault(fault) => plan.errors.push(fault.clone()),
            Next::Agree | Next::Run | Next::Same(_) => {}
        }
    }
    plan.next = overriding(cases).map(|words| line(around, &[&words])).into_iter().collect();
    ended::worst(cases.iter().map(Case::code))
}

/// The flags that go on in spite of what denies; none where nothing does, or a person cannot.
fn overriding(cases: &[Case]) -> Option<String> {
    let mut guards: Vec<Guard> = Vec::new();
    for case in cases {
        match case.next() {
            Next::Denied(_) => guards.extend(case.forecast.denials.iter().map(|denial| denial.guard)),
            Next::Stop(crate::engine::Stop::Guard(guard, _)) => guards.push(*guard),
            _ => {}
        }
    }
    guards.sort_unstable();
    guards.dedup();
    if guards.is_empty() || guards.iter().any(|guard| !overridable(*guard)) {
        return None;
    }
    let words: Vec<String> = guards.iter().map(|guard| format!("--override {guard}")).collect();
    Some(format!("{} --reason TEXT", words.join(" ")))
}

/// The line that asks for the same again, with more words.
fn line(around: &Around<'_>, more: &[&str]) -> String {
    let args = around.args;
    let mut words = vec!["ira".to_owned(), "remediate".to_owned()];
    words.extend(args.playbook.as_deref().map(shell::word));
    words.extend(["--alert".to_owned(), shell::word(&args.alert.display().to_string())]);
    if args.source != RemediateArgs::SOURCE {
        words.extend(["--source".to_owned(), shell::word(&args.source)]);
    }
    words.extend(args.params.iter().map(|param| format!("--param {}", shell::word(param))));
    words.extend(args.overrides.iter().map(|guard| format!("--override {}", shell::word(guard))));
    words.extend(args.reason.as_deref().map(|reason| format!("--reason {}", shell::word(reason))));
    let config = around.output.config.as_deref();
    words.extend(config.map(|path| format!("--config {}", shell::word(&path.display().to_string()))));
    words.extend(more.iter().map(|word| (*word).to_owned()));
    words.join(" ")
}

/// Who asks, for the record.
pub fn actor(env: Env<'_>) -> String {
    env("USER").filter(|name| !name.is_empty()).unwrap_or_else(|| "hand".to_owned())
}

/// Goes on with a run, or takes it back; gives the exit code.
pub fn take_up(session: &mut Session, run: u64, how: TakeUp, output: &OutputFlags, env: Env<'_>) -> Result<u8, Fault> {
    let config = connect::effective(output)?;
    session.configure(config.output);
    let (args, reach) = (RemediateArgs::default(), Reach::default());
    let shown = session.progress(env);
    let around = Around {
        args: &args,
        reach: &reach,
        output,
        config,
        actor: actor(env),
        overrides: Vec::new(),
        progress: shown.sink(),
        text: String::new(),
    };
    let acted = patiently(Box::pin(async {
        let engine = paged::armed(engine(&around, store::open(&uri(&around.config)?)?, false)?, &around).await?;
        let mut act = Act::new(&engine, &around, shown.drawn(), session.width());
        act.take_up(RunId(run), how).await
    }));
    shown.finish();
    let Acted { came, mut report, interrupted, .. } = acted?;
    if let Came::Asks(plan, run) = &came {
        let yes = format!("ira run approve {} --plan {}", run.id, plan.hash);
        let fault =
            Fault::new(Kind::Confirmation, format!("nothing was done: nobody agreed to the plan of run {}", run.id))
                .hint(format!("look at the plan, then: {yes} && ira run resume {}", run.id));
        report.next = vec![yes, format!("ira run resume {}", run.id)];
        report.errors.push(fault);
    }
    Ok(session.show(report, ended::exit(&came, interrupted)))
}

fn overrides(args: &RemediateArgs, actor: &str) -> Result<Vec<Override>, Fault> {
    let known = || Guard::WORDS.iter().filter(|(guard, _)| overridable(*guard)).map(|(_, word)| *word);
    let reason = args.reason.as_deref().unwrap_or_default().trim();
    if !args.overrides.is_empty() && reason.is_empty() {
        return Err(Fault::new(Kind::Usage, "--reason is empty: whoever reads the record wants to know why"));
    }
    let read = |word: &String| {
        let guard = Guard::of_word(word).filter(|guard| overridable(*guard)).ok_or_else(|| {
            let why = match Guard::of_word(word) {
                Some(Guard::Freeze) => "a freeze ends with `ira thaw`",
                Some(Guard::Lock) => "a lock is another run's: `ira run cancel` or `ira run close` that one",
                _ => "there is no such guard",
            };
            Fault::new(Kind::Usage, format!("`{}` cannot be overridden", ira_commands::text::excerpt(word, 40)))
                .because(why)
                .hint(format!("one of: {}", known().collect::<Vec<_>>().join(", ")))
        })?;
        Ok(Override { guard, reason: reason.to_owned(), actor: actor.to_owned() })
    };
    args.overrides.iter().map(read).collect()
}

fn engine(around: &Around<'_>, store: Arc<dyn Store>, dry: bool) -> Result<Engine, Fault> {
    let hands = LocalHands {
        output: around.output.clone(),
        reach: around.reach.clone(),
        progress: Arc::clone(&around.progress),
        dry,
        config: None,
    };
    let worker = act::worker(&around.actor);
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

/// Shows a plan that is not carried out, and the line that does.
fn unconfirmed(session: &Session, around: &Around<'_>, mut report: Report, why: &str) -> u8 {
    let line = line(around, &["--yes"]);
    let fault = Fault::new(Kind::Confirmation, format!("nothing was done: {why}")).hint(line.clone());
    report.next = vec![line];
    let code = fault.kind.exit_code();
    report.errors.push(fault);
    session.show(report, code)
}
