//! `ira pd-annotate` by hand: reads what is to be noted, then notes it. Telling somebody needs no agreement.

use std::ffi::OsString;
use std::path::Path;

use ira_commands::{Context, Effect, Fault, Invocation, Kind, Report, pd_annotate};
use sha2::{Digest as _, Sha256};

use crate::cli::{self, Format, Noted, OutputFlags, What};
use crate::render::{self, Style};
use crate::session::{Session, block_on};
use crate::terminal::Env;
use crate::{apply, connect, input};

/// No report is greater than this, bytes.
const MOST: usize = 4 << 20;

/// Notes what was asked to be noted; gives the exit code.
pub fn annotate(
    session: &mut Session,
    mut args: pd_annotate::Args,
    noted: &Noted,
    output: &OutputFlags,
    env: Env<'_>,
) -> Result<u8, Fault> {
    let mut stdin = noted.stdin.is_some();
    // The incident may be named by the alert alone: then the dash stands in its place.
    if args.incident.as_deref() == Some("-") {
        args.incident = None;
        stdin = true;
    }
    let alert_from_stdin = noted.alert.as_deref() == Some(Path::new("-"));
    if alert_from_stdin && (stdin || noted.file.as_deref() == Some(Path::new("-"))) {
        return Err(
            Fault::new(Kind::Usage, "stdin cannot be the alert and the note").hint("give one of them as a file")
        );
    }
    if let Some(path) = &noted.alert {
        let text = input::text(path, "the alert", input::ALERT)?;
        args.names = pd_annotate::names_in(&text);
        if args.names.is_empty() && args.incident.is_none() {
            return Err(Fault::new(Kind::Usage, "the alert does not say which incident it is part of")
                .hint("give the webhook body of Alertmanager or PagerDuty, or name the incident"));
        }
    }
    let dash = Path::new("-");
    let read = |path: &Path| input::text(path, "the note", MOST);
    args.content = match (stdin, &noted.file) {
        (true, _) => Some(read(dash)?),
        (false, Some(path)) => Some(read(path)?),
        (false, None) if !noted.from.is_empty() => {
            let (name, content) = from(session, &noted.from, output, env)?;
            // The same command is the same note, whatever it finds this time.
            args.run.get_or_insert(name);
            Some(content)
        }
        (false, None) => None,
    };
    let invocation = Invocation::PdAnnotate(args);
    apply::tell(session, &invocation, noted.dry_run, output, env)
}

/// Runs a command that reads; gives a name for it, and its report in markdown.
fn from(
    session: &mut Session,
    words: &[OsString],
    output: &OutputFlags,
    env: Env<'_>,
) -> Result<(String, String), Fault> {
    let line: Vec<OsString> = std::iter::once(OsString::from("ira")).chain(words.iter().cloned()).collect();
    let asked = cli::parse(&line, None).map_err(|error| crate::usage::fault(&error).wrap("--from names no command"))?;
    let only_reads = || {
        Fault::new(Kind::Usage, "--from takes a command that reads and reports")
            .hint("--from feed-report eth-usd --network ethereum-mainnet")
    };
    let (invocation, reach) = match asked.what {
        What::Step(step) => {
            let (mut invocation, reach, around) = *step;
            if around.watch.is_some() {
                return Err(only_reads());
            }
            if let Some(path) = &around.alert {
                invocation.set_alerts(ira_commands::alert::parse(&input::text(path, "the alert", input::ALERT)?)?);
            }
            (invocation, reach)
        }
        What::Act(act) => (Invocation::Act(act.0), act.1),
        What::Annotate(_) | What::Call(_) | What::Mend(_) | What::Policy(_) | What::Control(_) => {
            return Err(only_reads());
        }
    };
    if invocation.effect() != Effect::Read {
        return Err(only_reads());
    }
    let mut flags = asked.output;
    flags.config = flags.config.or_else(|| output.config.clone());
    let config = connect::settings(&flags, &invocation, &reach)?;
    let progress = session.progress(env);
    let mut warnings = Vec::new();
    let report: Result<Report, Fault> = block_on(async {
        if !invocation.needs_chain() {
            return invocation.run(&Context::dry(connect::bare(&config, progress.sink()))).await;
        }
        let connection = connect::connect(&reach, &config, progress.sink())?;
        warnings.clone_from(&connection.warnings);
        let report = invocation.run(&Context::dry(connection.reads.clone())).await;
        connection.finish(&invocation, report)
    });
    progress.finish();
    session.warn(warnings);
    let report = report?;
    let style = Style { format: Format::Markdown, verbose: config.output.verbose, ..Style::default() };
    let text = render::report(&report, report.outcome.exit_code(), &style);
    let said = format!("{} {}", invocation.name(), invocation.with());
    let digest = Sha256::digest(said.as_bytes());
    Ok((format!("{}-{}", invocation.name(), ira_commands::units::digits(&digest[..5])), text))
}
