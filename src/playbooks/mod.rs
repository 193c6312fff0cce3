//! Playbooks of this machine: those that ship, and the files that stand in their place or beside them.

mod backtest;
mod listed;
mod plan;
mod promote;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use ira_commands::playbook::present::{self, Source};
use ira_commands::playbook::{self, Incoming, Pattern, Playbook, Problem, Tested};
use ira_commands::text::{clean, nearest};
use ira_commands::{Fault, Kind, Report, alert};

use crate::cli::{OutputFlags, PlaybookVerb};
use crate::config::{Config, PlaybookConfig, untrusted};
use crate::remediate::Chosen;
use crate::{connect, input};

/// No playbook, and no file of its tests, is greater than this, bytes.
const LONGEST: usize = 4 << 20;
/// The name of the folder beside a configuration file.
const FOLDER: &str = "playbooks";

/// What a verb gives.
pub enum Answer {
    /// A report.
    Report(Box<Report>),
    /// A report that ends with the code of a bad configuration where it is a problem.
    Checked(Box<Report>),
    /// A text that is the whole result, with its name.
    Text(&'static str, String),
}

/// Does what was asked of playbooks. `actor` is who asks, for the record.
pub fn answer(verb: &PlaybookVerb, output: &OutputFlags, actor: &str) -> Result<Answer, Fault> {
    let report = |report: Report| Ok(Answer::Report(Box::new(report)));
    match verb {
        PlaybookVerb::List => report(listed::report(&all(output)?, output)?),
        PlaybookVerb::Check { files } => Ok(Answer::Checked(Box::new(present::check(&these(files, output)?)))),
        PlaybookVerb::Test { files } => report(tests(&these(files, output)?)),
        PlaybookVerb::Explain { alert, source } => {
            let text = input::text(alert, "the alert", input::ALERT)?;
            let alerts = alert::parse(&text)?;
            let sources = all(output)?;
            let playbooks: Vec<&Playbook> = loaded(&sources).collect();
            let decided = alerts.into_iter().map(|alert| {
                let incoming = Incoming { source: source.clone(), alert, starts_at: None };
                let name = incoming.alert.name().map_or_else(|| "the alert".to_owned(), clean);
                (name, playbook::decide(&playbooks, &incoming))
            });
            report(present::explain(&decided.collect::<Vec<_>>()))
        }
        PlaybookVerb::Plan(args) => report(plan::report(args, &chosen(&args.playbook, output)?, output)?),
        PlaybookVerb::Backtest(args) => {
            report(backtest::report(args, &chosen(&args.playbook, output)?.playbook, output)?)
        }
        PlaybookVerb::Promote(args) => {
            let sources = all(output)?;
            let source = named(&sources, &args.playbook)?;
            let playbook = source.read.as_deref().map_err(|_| unloaded(&args.playbook, &source.file))?;
            report(promote::report(args, playbook, &tested(playbook, source), output, actor)?)
        }
        PlaybookVerb::Schema => {
            let text = serde_json::to_string_pretty(&playbook::schema()).unwrap_or_default();
            Ok(Answer::Text("playbook schema", format!("{text}\n")))
        }
        PlaybookVerb::New { name } => Ok(Answer::Text("playbook new", playbook::template(name.as_deref()))),
    }
}

/// `ira playbook promote` in the store of a daemon.
pub async fn promoted(
    args: &crate::cli::PromoteArgs,
    output: &OutputFlags,
    store: &dyn crate::store::Store,
    actor: &str,
) -> Result<Report, Fault> {
    let sources = all(output)?;
    let source = named(&sources, &args.playbook)?;
    let playbook = source.read.as_deref().map_err(|_| unloaded(&args.playbook, &source.file))?;
    let config = connect::effective(output)?;
    promote::of(args, playbook, &tested(playbook, source), &config, store, actor).await
}

/// The playbooks that count: sound, and nothing in their place.
pub fn loaded(sources: &[Source]) -> impl Iterator<Item = &Playbook> {
    let counted = sources.iter().filter(|source| source.overridden_by.is_none());
    counted.filter_map(|source| source.read.as_deref().ok())
}

/// Every playbook of this machine: the user's files, the system's, and those that ship. Of those with one name the first
/// counts, and the others say so; two of one folder with one name are a mistake of the second.
pub fn all(output: &OutputFlags) -> Result<Vec<Source>, Fault> {
    let mut sources: Vec<Source> = Vec::new();
    let mut first: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let folders: Vec<PathBuf> = connect::beside_config(output)?.into_iter().map(|path| path.join(FOLDER)).collect();
    let mut found: Vec<(usize, Source)> = Vec::new();
    for (number, folder) in folders.iter().enumerate() {
        found.extend(files(folder)?.iter().map(|file| (number, source(file))));
    }
    found.extend(playbook::SHIPPED.iter().map(|(file, text)| (folders.len(), shipped(file, text))));
    let config = connect::effective(output)?;
    for (folder, mut source) in found {
        let name = source.name();
        configured(&mut source, &config);
        match first.get(&name) {
            Some((theirs, at)) if *theirs == folder => {
                let message = format!("a playbook `{name}` is there already, in {}", clean(&sources[*at].file));
                source.read = Err(vec![problem(message, "a name is unique among the files of a folder")]);
            }
            Some((_, at)) => source.overridden_by = Some(sources[*at].file.clone()),
            None => {
                first.insert(name, (folder, sources.len()));
            }
        }
        sources.push(source);
    }
    Ok(sources)
}

/// A playbook as the configuration has it.
fn configured(source: &mut Source, config: &Config) {
    let own = config.engine.playbooks.get(&source.name());
    if let (Ok(playbook), Some(own)) = (&mut source.read, own) {
        let wrong = set_up(playbook, own);
        if !wrong.is_empty() {
            source.read = Err(wrong);
        }
    }
}

/// Gives a playbook what the configuration says of it. What is wrong with that keeps it from being loaded.
fn set_up(playbook: &mut Playbook, own: &PlaybookConfig) -> Vec<Problem> {
    let mut wrong = Vec::new();
    for (name, text) in &own.params {
        let key = format!("playbooks.{}.params.{name}", playbook.name.text);
        match playbook.params.get_mut(name) {
            Some(param) => match param.read(text) {
                Ok(value) => param.default = Some(value),
                Err(why) => wrong.push(problem(format!("`{}` {why}", clean(&key)), "mend it in the configuration")),
            },
            None => wrong.push(problem(
                format!("`{}`: the playbook has no such parameter", clean(&key)),
                "mend it in the configuration",
            )),
        }
    }
    for (label, patterns) in &own.targets {
        let known = playbook.targets.entry(label.clone()).or_default();
        known.extend(patterns.iter().map(|text| Pattern::new(text)));
    }
    wrong
}

/// The playbook of a name that counts.
pub fn named<'a>(sources: &'a [Source], name: &str) -> Result<&'a Source, Fault> {
    let mut counted = sources.iter().filter(|source| source.overridden_by.is_none() && source.name() == name);
    if let Some(source) = counted.next() {
        return if source.read.is_ok() { Ok(source) } else { Err(unloaded(name, &source.file)) };
    }
    let fault = Fault::new(Kind::Usage, format!("there is no playbook `{}`", clean(name)));
    let names: Vec<String> = sources.iter().map(Source::name).collect();
    Err(match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint("`ira playbook list` has those there are"),
    })
}

fn unloaded(name: &str, file: &str) -> Fault {
    Fault::new(Kind::Config, format!("the playbook `{}` cannot be loaded", clean(name)))
        .hint(format!("ira playbook check {}", ira_commands::shell::word(file)))
}

/// The playbook of a name, or of a file.
fn chosen(name: &str, output: &OutputFlags) -> Result<Chosen, Fault> {
    let path = Path::new(name);
    let is_file = path.extension().is_some_and(|kind| kind == "yaml" || kind == "yml");
    let (sources, file);
    let source = if is_file {
        file = source(path);
        if file.read.is_err() {
            return Err(unloaded(name, name));
        }
        &file
    } else {
        sources = all(output)?;
        named(&sources, name)?
    };
    let playbook = source.read.as_deref().map_err(|_| unloaded(name, &source.file))?.clone();
    Ok(Chosen { playbook, text: text_of(source)?, file: source.file.clone() })
}

/// What the tests in a playbook come to.
fn tested(playbook: &Playbook, source: &Source) -> Vec<Tested> {
    if source.ships {
        playbook::test(playbook, &|_| Err("it is not in the binary".to_owned()))
    } else {
        playbook::test(playbook, &|name| beside(Path::new(&source.file), name))
    }
}

/// The files named, or every playbook where none is.
fn these(files: &[PathBuf], output: &OutputFlags) -> Result<Vec<Source>, Fault> {
    if files.is_empty() {
        return all(output);
    }
    let config = connect::effective(output)?;
    let mut sources: Vec<Source> = files.iter().map(|file| source(file)).collect();
    for source in &mut sources {
        configured(source, &config);
    }
    Ok(sources)
}

/// The playbooks in a folder, by name; none where there is no such folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            let shown = clean(&folder.display().to_string());
            return Err(
                Fault::new(Kind::Config, format!("the playbooks in {shown} cannot be read")).because(error.to_string())
            );
        }
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "yaml" || kind == "yml") && file.is_file());
    files.sort();
    Ok(files)
}

fn shipped(file: &str, text: &str) -> Source {
    let read = playbook::load(text, &|_| Err("it is not in the binary".to_owned())).map(Box::new);
    Source { file: file.to_owned(), ships: true, read, overridden_by: None }
}

fn source(file: &Path) -> Source {
    Source { file: file.display().to_string(), ships: false, read: read(file).map(Box::new), overridden_by: None }
}

fn problem(message: String, hint: &str) -> Problem {
    Problem { line: 1, column: 1, message, hint: Some(hint.to_owned()), excerpt: None }
}

/// What a file says. One that a stranger could have written is not believed.
fn read(file: &Path) -> Result<Playbook, Vec<Problem>> {
    let text = text(file).map_err(|problem| vec![problem])?;
    playbook::load(&text, &|name| beside(file, name))
}

/// The text of a playbook that was read.
pub fn text_of(source: &Source) -> Result<String, Fault> {
    if source.ships {
        let shipped = playbook::SHIPPED.iter().find(|(file, _)| *file == source.file);
        return shipped
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| Fault::new(Kind::Failed, format!("{} does not ship", source.file)));
    }
    text(Path::new(&source.file)).map_err(|problem| Fault::new(Kind::Config, problem.message))
}

fn text(file: &Path) -> Result<String, Problem> {
    let shown = clean(&file.display().to_string());
    let unread =
        |fault: &Fault| problem(fault.one_line(), fault.hint.as_deref().unwrap_or("give a file that can be read"));
    if let Some((why, mend)) = fs::metadata(file).ok().and_then(|metadata| untrusted(&shown, &metadata)) {
        return Err(problem(format!("the file is not trusted: {why}"), &mend));
    }
    input::text(file, "the playbook", LONGEST).map_err(|fault| unread(&fault))
}

/// A file of a playbook's tests: only in its own folder or below.
fn beside(file: &Path, name: &str) -> Result<String, String> {
    let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return Err("it must be beside the playbook, or in a folder there".to_owned());
    }
    let path = file.parent().unwrap_or(Path::new(".")).join(name);
    input::text(&path, "the alert", LONGEST).map_err(|fault| fault.causes.first().cloned().unwrap_or(fault.message))
}

fn tests(sources: &[Source]) -> Report {
    let mut tested: Vec<(String, Vec<Tested>)> = Vec::new();
    let mut unread = Vec::new();
    for source in sources {
        // A playbook whose tests fail is not loaded, and yet its tests are what is asked for.
        let parsed = if source.ships {
            source.read.as_ref().map(|playbook| playbook.as_ref().clone()).map_err(Clone::clone)
        } else {
            text(Path::new(&source.file)).map_err(|problem| vec![problem]).and_then(|text| playbook::parse(&text))
        };
        match parsed {
            Ok(playbook) => {
                let results = self::tested(&playbook, source);
                tested.push((playbook.name.text.clone(), results));
            }
            Err(problems) => unread.push(
                Fault::new(
                    Kind::Config,
                    format!("{} cannot be tested: it has {} errors", clean(&source.file), problems.len()),
                )
                .because(problems.first().map(|first| first.message.clone()).unwrap_or_default())
                .hint(format!("ira playbook check {}", ira_commands::shell::word(&source.file))),
            ),
        }
    }
    let mut report = present::tests(&tested);
    if !unread.is_empty() {
        report.outcome = ira_commands::report::Outcome::Problem;
    }
    report.errors = unread;
    report
}
