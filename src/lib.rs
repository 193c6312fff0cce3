//! How `ira` is asked, kept and shown: configuration, clients, terminal, dispatch.

mod again;
mod annotate;
mod apply;
pub mod cli;
pub mod clients;
pub mod clock;
pub mod complete;
pub mod config;
pub mod connect;
pub mod daemon;
mod demo;
mod doctor;
pub mod drill;
pub mod engine;
pub mod exit;
pub mod help;
pub mod input;
mod keep;
pub mod logging;
pub mod pages;
mod playbooks;
pub mod progress;
pub mod recording;
mod remediate;
pub mod remote;
pub mod render;
pub mod retention;
pub mod runs;
pub mod seen;
mod session;
pub mod store;
mod systems;
pub mod terminal;
pub mod usage;
mod war_room;
pub mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use ira_commands::actions::Action;
use ira_commands::report::Outcome;
use ira_commands::{Effect, Fault, Invocation, Kind, alert};

use config::env::{Env as _, SystemEnv};

use cli::{Around, Asked, ConfigVerb, Control, Format, PlaybookVerb, What};
use runs::RunVerb;
use session::Session;
use terminal::{Env, Terminal};

/// The whole of `ira`: reads the command line `args` (the program's name first), does it, shows what came of it, and
/// gives the exit code of [`exit::TABLE`].
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    #[cfg(target_os = "linux")]
    if let Some(code) = clients::script::shim::entry(&args) {
        return code;
    }
    if let Some(code) = remediate::watcher::entry(&args).or_else(|| drill::entry(&args)) {
        return code;
    }
    #[cfg(target_os = "linux")]
    if let Some(code) = demo::entry(&args, &process_env) {
        return code;
    }
    complete::answer();
    ExitCode::from(run(&args, &process_env))
}

/// A variable of this process, where it is text.
fn process_env(name: &str) -> Option<String> {
    SystemEnv.get(name).ok().flatten()
}

fn run(args: &[OsString], env: Env<'_>) -> u8 {
    let terminal = Terminal::detect(env);
    let glimpse = usage::Glimpse::of(args);
    let colour = glimpse.color.unwrap_or_default();
    match cli::parse(args, terminal.width) {
        Ok(asked) => {
            let mut session = Session::new(terminal, &asked.output);
            match start_logging(env, &session).and_then(|()| dispatch(asked, env, &mut session)) {
                Ok(code) => code,
                Err(fault) => session.fail(&fault),
            }
        }
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            let text = error.render();
            let colour = terminal.colour_stdout(colour);
            session::written(0, &if colour { text.ansi().to_string() } else { text.to_string() })
        }
        Err(error) => {
            let mut session = Session::new(terminal, &cli::OutputFlags::default());
            session.glimpse(glimpse);
            session.fail(&usage::fault(&error))
        }
    }
}

/// The alert, where it is one: what is done once must not be done for each of many.
fn only(mut alerts: Vec<alert::Alert>) -> Result<alert::Alert, Fault> {
    let count = alerts.len();
    alerts.pop().filter(|_| count == 1).ok_or_else(|| {
        Fault::new(Kind::Usage, format!("an action takes one alert, and these are {count}"))
            .hint("give the one that it is about")
    })
}

fn start_logging(env: Env<'_>, session: &Session) -> Result<(), Fault> {
    if let Some(level) = logging::level(env(logging::VARIABLE).as_deref())? {
        logging::start(level, session.colours_stderr());
    }
    Ok(())
}

fn dispatch(asked: Asked, env: Env<'_>, session: &mut Session) -> Result<u8, Fault> {
    let Asked { output, what } = asked;
    match what {
        What::Step(step) => {
            let (mut invocation, reach, around) = *step;
            take_alert(&mut invocation, &around)?;
            let config = connect::settings(&output, &invocation, &reach)?;
            session.configure(config.output);
            session.step(&invocation, &reach, &around, &config, env)
        }
        What::Mend(asked) => {
            let (args, reach, around, agreement) = *asked;
            let mut invocation = Invocation::VrfRunbook(args);
            take_alert(&mut invocation, &around)?;
            let config = connect::settings(&output, &invocation, &reach)?;
            session.configure(config.output);
            let Invocation::VrfRunbook(args) = &invocation else {
                return Err(Fault::new(Kind::Failed, "it is no runbook"));
            };
            let (patience, file) = (args.wait.seconds, output.config);
            let way =
                apply::Way { reach, agreement, patience, needs_chain: true, config, file, alert: around.alert.clone() };
            apply::mend(session, args, &way, env)
        }
        What::Act(asked) => {
            let (mut action, reach, agreement, patience, alert) = *asked;
            if let Some(path) = &alert {
                let alerts = ira_commands::alert::parse(&input::text(path, "the alert", input::ALERT)?)?;
                match action.effect() {
                    Effect::Read => action.set_alerts(&alerts),
                    _ => action.inform(&only(alerts)?)?,
                }
            }
            let config = connect::settings(&output, &Invocation::Act(action.clone()), &reach)?;
            session.configure(config.output);
            let (needs_chain, file) = (action.needs_chain(), output.config);
            let way = apply::Way { reach, agreement, patience, needs_chain, config, file, alert };
            apply::act(session, &action, &way, env)
        }
        What::Policy(name) => Ok(session.show_text(&format!("act {name}"), &Action::policy(&name))),
        What::Call(asked) => {
            let (args, meant) = *asked;
            war_room::call(session, args, &meant, &output, env)
        }
        What::Annotate(asked) => {
            let (args, noted) = *asked;
            annotate::annotate(session, args, &noted, &output, env)
        }
        What::Control(control) => controlled(control, &output, env, session),
    }
}

/// Does what runs, keeps and inspects commands.
fn controlled(control: Control, output: &cli::OutputFlags, env: Env<'_>, session: &mut Session) -> Result<u8, Fault> {
    match control {
        Control::Demo(args) => match args.scene.unwrap_or_default() {
            #[cfg(target_os = "linux")]
            demo::Scene::Alert => demo::alert(session),
            #[cfg(not(target_os = "linux"))]
            demo::Scene::Alert => {
                Err(Fault::new(Kind::Usage, "scripts are run on Linux alone, and this needs one").hint("ira demo feed"))
            }
            demo::Scene::Feed => session.demo(env),
        },
        Control::Config(verb) => {
            let checks = verb == ConfigVerb::Check;
            let report = connect::config(verb, output)?;
            let what = "the configuration cannot be used";
            Ok(if checks { checked(session, report, what) } else { shown(session, report) })
        }
        Control::Playbook(verb) => {
            if let PlaybookVerb::Promote(args) = &verb
                && let Some(code) = remote::promote(session, args, output)?
            {
                return Ok(code);
            }
            Ok(match playbooks::answer(&verb, output, &remediate::actor(env))? {
                playbooks::Answer::Report(report) => shown(session, *report),
                playbooks::Answer::Checked(report) => checked(session, *report, "a playbook cannot be loaded"),
                playbooks::Answer::Text(name, text) => session.show_text(name, &text),
            })
        }
        Control::Remediate(args) => {
            if let Some(code) = remote::remediate(session, &args, output)? {
                return Ok(code);
            }
            remediate::remediate(session, &args, &cli::Reach::default(), output, env)
        }
        Control::Daemon(args) => daemon::daemon(session, &args, output, env),
        Control::Drill(args) => drill::drill(session, &args, output, env),
        Control::Doctor(args) => doctor::doctor(session, &args, output),
        Control::Run(verb) => {
            if let Some(code) = remote::run(session, &verb, output)? {
                return Ok(code);
            }
            of_run(session, verb, output, env)
        }
        Control::Freeze(args) => {
            if let Some(code) = remote::freeze(session, &args, output)? {
                return Ok(code);
            }
            of_runs(session, output, env, async |store, actor| runs::freeze(&args, store, actor).await)
        }
        Control::Thaw(args) => {
            if let Some(code) = remote::thaw(session, &args, output)? {
                return Ok(code);
            }
            of_runs(session, output, env, async |store, actor| runs::thaw(&args, store, actor).await)
        }
        Control::Help { topic } => {
            let colour = session.colours_stdout();
            let text = help::answer(&topic, cli::command(), colour)?;
            Ok(session.show_text(&topic.join(" "), &text))
        }
        Control::Completions { shell } => Ok(session.show_text("completions", complete::stub(shell))),
    }
}

/// `ira run …` on the store of this machine.
fn of_run(session: &mut Session, verb: RunVerb, output: &cli::OutputFlags, env: Env<'_>) -> Result<u8, Fault> {
    match verb {
        RunVerb::Resume { run, from } => {
            let how = from.map_or(engine::TakeUp::GoOn, engine::TakeUp::From);
            remediate::take_up(session, run, how, output, env)
        }
        RunVerb::Undo { run } => remediate::take_up(session, run, engine::TakeUp::Undo, output, env),
        RunVerb::Tail { run } => tail(session, run, output),
        RunVerb::ExportTest { run } => {
            let config = connect::effective(output)?;
            session.configure(config.output);
            let text = session::block_on(async {
                let store = store::open(&remediate::uri(&config)?)?;
                runs::test(store.as_ref(), store::model::RunId(run)).await
            })?;
            Ok(session.show_text("run export-test", &text))
        }
        verb => of_runs(session, output, env, async |store, actor| runs::run(&verb, store, actor).await),
    }
}

/// Shows a run while it goes on, and where it stands when it has ended. A program is given all of it at the end.
fn tail(session: &mut Session, run: u64, output: &cli::OutputFlags) -> Result<u8, Fault> {
    let config = connect::effective(output)?;
    session.configure(config.output);
    let (id, live) = (store::model::RunId(run), session.format() != Format::Json);
    let report = session::block_on(async {
        let store = store::open(&remediate::uri(&config)?)?;
        runs::follow(store.as_ref(), id, |line: &str| {
            if live {
                session::written(0, line);
            }
        })
        .await?;
        runs::run(&RunVerb::Tail { run }, store.as_ref(), "").await
    })?;
    Ok(shown(session, report))
}

/// Asks or tells the store of this machine.
fn of_runs(
    session: &mut Session,
    output: &cli::OutputFlags,
    env: Env<'_>,
    work: impl AsyncFnOnce(&dyn store::Store, &str) -> Result<ira_commands::Report, Fault>,
) -> Result<u8, Fault> {
    let config = connect::effective(output)?;
    session.configure(config.output);
    let actor = remediate::actor(env);
    let report = session::patiently(async {
        let store = store::open(&remediate::uri(&config)?)?;
        let mut report = work(store.as_ref(), &actor).await?;
        // What was said of a run, and not merely read.
        let said = report.data["run"].as_u64().map(store::model::RunId);
        if let Some(run) = said {
            report.warnings.extend(remediate::told_of(run, &config, output, &store).await?);
        }
        report.warnings.extend(pages::overdue(store.as_ref(), said).await?);
        Ok(report)
    })?;
    Ok(shown(session, report))
}

fn shown(session: &Session, report: ira_commands::Report) -> u8 {
    let code = report.outcome.exit_code();
    session.show(report, code)
}

/// Shows what was found in files that every other command rests on.
fn checked(session: &Session, mut report: ira_commands::Report, what: &str) -> u8 {
    let mut code = report.outcome.exit_code();
    if report.outcome == Outcome::Problem {
        // A wrong file ends every other command with this code. A program is told in `errors`, too; a person has the
        // findings before them.
        let fault = Fault::new(Kind::Config, what).hint("mend what the findings name, and check again");
        code = fault.kind.exit_code();
        report.errors.extend((session.format() == Format::Json).then_some(fault));
    }
    session.show(report, code)
}

/// Hands over the alert that says what it is about.
fn take_alert(invocation: &mut Invocation, around: &Around) -> Result<(), Fault> {
    if let Some(path) = &around.alert {
        invocation.set_alerts(alert::parse(&input::text(path, "the alert", input::ALERT)?)?);
    }
    Ok(())
}
