//! `ira feed-report`: is this feed healthy, if not why, and who must act.

use crate::alert::{self, Alert};
use crate::fault::{Fault, Kind};
use crate::ports::Network;
use crate::report::{Outcome, Report, Status};
use crate::{Context, shell, units};

mod checks;
mod data;

mod decode;
pub mod directory;
mod events;
mod facts;
mod gather;
mod present;
pub mod target;
#[cfg(test)]
mod tests;

use checks::Judged;
use directory::Directory;
use facts::{Facts, Scene};
use target::{FeedInput, Reference, Resolved, Target};

/// More feeds than this are shown as a fleet, a row each.
const SECTIONS: usize = 5;

/// What to report on.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Args {
    /// A proxy or aggregator address, or a name in the directory (`ETH / USD`, `eth-usd`)
    #[arg(value_name = "FEED")]
    #[serde(default)]
    pub feeds: Vec<String>,

    /// The network, by its name in the configuration (`ira help networks`)
    #[arg(long, value_name = "NAME")]
    #[serde(default)]
    pub network: Option<String>,

    /// Every feed of the directory, worst first
    #[arg(long)]
    #[serde(default)]
    pub all: bool,

    /// Only feeds of the directory whose name or path matches; implies --all
    #[arg(long = "match", value_name = "REGEX")]
    #[serde(default, rename = "match")]
    pub matching: Option<String>,

    /// How many blocks back rounds, oracles and configuration changes are looked at [default: 24 hours of blocks, at most 50000]
    #[arg(long, value_name = "BLOCKS")]
    #[serde(default)]
    pub window: Option<u64>,

    /// Compare the answer with another feed, or with a price
    #[arg(long, value_name = "FEED|PRICE")]
    #[serde(default)]
    pub reference: Option<String>,

    /// Seconds within which a new round is promised, in place of the directory's
    #[arg(long, value_name = "SECONDS")]
    #[serde(default)]
    pub heartbeat: Option<u64>,

    /// Deviation that triggers a round, in percent, in place of the directory's
    #[arg(long, value_name = "PERCENT")]
    #[serde(default)]
    pub threshold: Option<f64>,

    /// Let every unknown count as a problem (exit 4)
    #[arg(long)]
    #[serde(default)]
    pub strict: bool,

    /// The alerts that name the feeds
    #[arg(skip)]
    #[serde(default)]
    pub alerts: Vec<Alert>,
}

impl Args {
    /// The network that is meant: as given, else the one that all alerts name.
    pub fn network(&self) -> Result<Option<String>, Fault> {
        alert::network(self.network.as_deref(), &self.alerts)
    }

    /// Whether the numbers mean something. A fault (kind [`Kind::Usage`]) names the argument.
    fn check(&self) -> Result<(), Fault> {
        let bad = |what: &str, hint: &str| Err(Fault::new(Kind::Usage, what).hint(hint));
        if self.window == Some(0) {
            return bad("--window 0 holds no block", "give the number of blocks to look back, as --window 7200");
        }
        if self.heartbeat == Some(0) {
            return bad("--heartbeat 0 promises nothing", "give the seconds within which a round is due, as 3600");
        }
        match self.threshold {
            Some(percent) if !(percent.is_finite() && percent > 0.0) => {
                let what = format!("--threshold {percent} is no deviation");
                bad(&what, "give a percentage above 0, as --threshold 0.5")
            }
            _ => Ok(()),
        }
    }

    /// Whether the whole directory is asked for.
    fn wants_all(&self) -> bool {
        self.all || self.matching.is_some()
    }
}

/// Reads everything about the feeds asked for and judges it.
pub async fn run(args: &Args, context: &Context) -> Result<Report, Fault> {
    args.check()?;
    match report(args, context).await {
        // The block went away under the report: its numbers would not belong together, so all of it is read anew, once.
        Err(fault) if fault.kind == Kind::Reorged => {
            let mut report = report(args, context).await?;
            report.warnings.push(format!("{}; the report was read anew", fault.one_line()));
            Ok(report)
        }
        other => other,
    }
}

async fn report(args: &Args, context: &Context) -> Result<Report, Fault> {
    let chain = context.chain()?;
    context.progress().stage("finding the newest block");
    let head = chain.head().await.map_err(decode::unavailable)?;
    let mut warnings = Vec::new();
    let directory = directory(args, context, &head.network, &mut warnings).await?;
    let Resolved { targets, notes } = target::resolve(args, directory.as_ref())?;
    warnings.extend(notes);
    let reference = args.reference.as_deref().map(|input| target::reference(input, directory.as_ref())).transpose()?;
    warnings.extend(targets.iter().filter_map(by_its_aggregator));
    let (scene, gathered) = gather::gather(args, context, head, targets, reference).await?;
    let mut errors = Vec::new();
    let mut feeds = Vec::with_capacity(gathered.len());
    for feed in gathered {
        match feed {
            Ok(facts) => {
                let judged = checks::judge(&scene, &facts);
                feeds.push((facts, judged));
            }
            Err(fault) => errors.push(fault),
        }
    }
    // With nothing to report on, the first fault is the answer.
    if feeds.is_empty()
        && let Some(first) = errors.first()
    {
        let rest = errors[1..].iter().map(Fault::one_line);
        return Err(rest.fold(first.clone(), Fault::because));
    }
    let sections = if args.wants_all() || feeds.len() > SECTIONS {
        vec![present::fleet(&scene, &feeds)]
    } else {
        feeds.iter().map(|(facts, judged)| present::section(&scene, facts, judged)).collect()
    };
    let problem = feeds.iter().any(|(facts, judged)| data::is_problem(judged, facts, args.strict));
    Ok(Report {
        sections,
        next: next(args, &scene, &feeds),
        data: data::data(&scene, &feeds),
        outcome: match (errors.is_empty(), problem) {
            (false, _) => Outcome::Unavailable,
            (true, true) => Outcome::Problem,
            (true, false) => Outcome::Well,
        },
        errors,
        warnings,
    })
}

/// What is not seen of a feed that is asked for by its aggregator.
fn by_its_aggregator(target: &Target) -> Option<String> {
    let proxy = units::address(target.proxy_hint()?);
    Some(format!("{} is an aggregator: access, phases and migrations are seen at its proxy {proxy}", target.input))
}

/// The directory of the network. That it cannot be had is a fault only where a name has to be looked up in it.
async fn directory(
    args: &Args,
    context: &Context,
    network: &Network,
    warnings: &mut Vec<String>,
) -> Result<Option<Directory>, Fault> {
    let needed = args.wants_all() || names_a_feed(args);
    let read = match context.directory().directory(network).await {
        Ok(None) => return Ok(None),
        Ok(Some(text)) => {
            warnings.extend(text.warning);
            Directory::parse(&text.text)
                .map_err(|fault| fault.wrap(format!("the directory {} is not usable", text.source)))
        }
        Err(fault) => Err(fault),
    };
    match read {
        Ok(directory) => {
            warnings.extend(directory.notes.iter().cloned());
            Ok(Some(directory))
        }
        Err(fault) if needed => Err(fault),
        Err(fault) => {
            warnings.push(format!("no directory to compare with: {}", fault.one_line()));
            Ok(None)
        }
    }
}

/// Whether a FEED, an alert or the reference has to be looked up by its name.
fn names_a_feed(args: &Args) -> bool {
    let by_name = |input: &String| matches!(target::parse_feed(input), Ok(FeedInput::Name(_)));
    let reference = args.reference.as_ref().map(|input| target::parse_reference(input));
    args.feeds.iter().any(by_name) || matches!(reference, Some(Ok(Reference::Feed(FeedInput::Name(_)))))
}

/// The likely next command, with every argument that the verdict rests on: for a fleet its first row, for a feed that
/// needs somebody the note to paste, for what is well a watch. How the chain is reached is not known here; it is added
/// by who does.
fn next(args: &Args, scene: &Scene, feeds: &[(Facts, Judged)]) -> Vec<String> {
    let worst = feeds.iter().min_by_key(|(facts, judged)| (std::cmp::Reverse(judged.status()), facts.name()));
    let Some((facts, judged)) = worst else { return Vec::new() };
    let well = judged.status() <= Status::Info;
    let mut words = vec!["ira".to_owned(), "feed-report".to_owned()];
    let fleet = feeds.len() > 1 || args.wants_all();
    if fleet && well && args.alerts.is_empty() {
        words.extend(args.feeds.iter().map(|feed| shell::word(feed)));
        words.extend(args.all.then(|| "--all".to_owned()));
        words.extend(args.matching.iter().map(|regex| format!("--match {}", shell::word(regex))));
    } else {
        let path = facts.entry.as_ref().and_then(|entry| entry.path.clone());
        words.push(shell::word(&path.unwrap_or_else(|| units::address(facts.proxy.unwrap_or(facts.aggregator)))));
    }
    if !scene.network.name.starts_with("chain-") {
        words.push(format!("--network {}", shell::word(&scene.network.name)));
    }
    words.extend(args.window.map(|blocks| format!("--window {blocks}")));
    words.extend(args.reference.iter().map(|reference| format!("--reference {}", shell::word(reference))));
    words.extend(args.heartbeat.map(|seconds| format!("--heartbeat {seconds}")));
    words.extend(args.threshold.map(|percent| format!("--threshold {percent}")));
    words.extend(args.strict.then(|| "--strict".to_owned()));
    match (well, fleet) {
        (true, _) => words.push("--watch".to_owned()),
        (false, false) => words.push("--format markdown".to_owned()),
        (false, true) => {}
    }
    vec![words.join(" ")]
}
