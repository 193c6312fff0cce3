//! Which contracts a report is about.

use std::collections::BTreeSet;

use regex::RegexBuilder;

use super::{FeedInput, Price, Reference, parse_feed, parse_reference};
use crate::alert::{self, Alert, Scope, TargetHint};
use crate::fault::{Fault, Kind};
use crate::feed_report::Args;
use crate::feed_report::directory::{Directory, Entry};
use crate::text::excerpt;
use crate::value::H160;

/// A contract to look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// What it was asked for by: the argument, the alert's label value, or the directory's path.
    pub input: String,
    /// The contract, proxy or aggregator.
    pub address: H160,
    /// What the directory says of it.
    pub entry: Option<Entry>,
}

impl Target {
    /// The proxy that the directory puts before this aggregator.
    pub fn proxy_hint(&self) -> Option<H160> {
        let entry = self.entry.as_ref()?;
        let is_proxy = entry.proxy == Some(self.address) || entry.secondary_proxy == Some(self.address);
        entry.proxy.filter(|_| !is_proxy)
    }
}

/// What a report is about.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Resolved {
    /// The contracts, each once: those of the arguments, of the alerts, of the directory, in this order.
    pub targets: Vec<Target>,
    /// What the reader should know about how they were found.
    pub notes: Vec<String>,
}

impl Resolved {
    fn add(&mut self, seen: &mut BTreeSet<H160>, target: Target) {
        if seen.insert(target.address) {
            self.targets.push(target);
        }
    }
}

/// What an answer is compared with, found.
#[derive(Clone, Debug, PartialEq)]
pub enum Compared {
    /// A price.
    Price(Price),
    /// Another feed.
    Feed(Target),
}

/// Most alerts of which it is said why they led nowhere.
const MAX_NOTES: usize = 5;

/// Finds the contracts that `args` (and the alerts in them) ask for. `directory` is `None` where none is configured.
/// Faults are of kind [`Kind::Usage`]; several wrong arguments come as one fault with a cause each.
pub fn resolve(args: &Args, directory: Option<&Directory>) -> Result<Resolved, Fault> {
    let mut out = Resolved::default();
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for input in &args.feeds {
        match named(input, directory) {
            Ok(target) => out.add(&mut seen, target),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(as_one(faults));
    }
    from_alerts(args, directory, &mut seen, &mut out)?;
    if args.all || args.matching.is_some() {
        for entry in listed(args, directory)? {
            // Without a proxy there is nothing that consumers read.
            if let Some(address) = entry.proxy {
                out.add(&mut seen, Target { input: entry.key().to_owned(), address, entry: Some(entry.clone()) });
            }
        }
    }
    if out.targets.is_empty() {
        return Err(Fault::new(Kind::Usage, "no feed is named")
            .hint("ira feed-report eth-usd, or an address, --alert FILE, --match REGEX, --all (`ira help feeds`)"));
    }
    Ok(out)
}

/// The feed or price that `--reference` names.
pub fn reference(input: &str, directory: Option<&Directory>) -> Result<Compared, Fault> {
    match parse_reference(input)? {
        Reference::Price(price) => Ok(Compared::Price(price)),
        Reference::Feed(_) => named(input, directory).map(Compared::Feed),
    }
}

/// The target of one argument.
fn named(input: &str, directory: Option<&Directory>) -> Result<Target, Fault> {
    let (address, entry) = match parse_feed(input)? {
        FeedInput::Address(address) => (address, directory.and_then(|directory| directory.by_address(address))),
        FeedInput::Name(name) => {
            let entry = directory.ok_or_else(|| no_directory(&format!("`{}`", excerpt(&name, 80))))?.by_name(&name)?;
            (entry.address().expect("by_name gives feeds with an address"), Some(entry))
        }
    };
    Ok(Target { input: excerpt(input, 200), address, entry: entry.cloned() })
}

fn no_directory(what: &str) -> Fault {
    Fault::new(Kind::Usage, format!("{what} needs a feed directory, and none is configured for this network"))
        .hint("give --directory FILE|URL, or the feed's address")
}

/// Several faults told together.
fn as_one(mut faults: Vec<Fault>) -> Fault {
    if faults.len() == 1 {
        return faults.remove(0);
    }
    let count = faults.len();
    let mut all = Fault::new(Kind::Usage, format!("{count} feeds cannot be found"));
    for fault in faults {
        let hint = fault.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        all = all.because(format!("{}{hint}", fault.one_line()));
    }
    all.hint("`ira feed-report --match REGEX` lists what the directory has")
}

/// The entries that `--all` and `--match` mean.
fn listed<'a>(args: &Args, directory: Option<&'a Directory>) -> Result<Vec<&'a Entry>, Fault> {
    let Some(directory) = directory else {
        return Err(no_directory(if args.matching.is_some() { "--match" } else { "--all" }));
    };
    let entries: Vec<&Entry> = match &args.matching {
        None => directory.entries.iter().collect(),
        Some(pattern) => {
            let shown = excerpt(pattern, 80);
            let regex = RegexBuilder::new(pattern).case_insensitive(true).build().map_err(|error| {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Fault::new(Kind::Usage, format!("--match: `{shown}` is no regular expression"))
                    .because(why)
                    .hint("a part of a name is one already: --match 'eth'; put \\ before ( ) [ ] { } . * + ? that are meant as such")
            })?;
            let hits = directory.matching(&regex);
            if hits.is_empty() {
                let near: Vec<&str> = directory.nearest(pattern, 3).into_iter().map(Entry::key).collect();
                let fault = Fault::new(Kind::Usage, format!("--match: no feed matches `{shown}`"));
                return Err(if near.is_empty() {
                    fault.hint("it is looked for in names (`ETH / USD`) and paths (`eth-usd`)")
                } else {
                    fault.hint(format!("did you mean {}?", near.join(", ")))
                });
            }
            hits
        }
    };
    if entries.iter().all(|entry| entry.proxy.is_none()) {
        let what =
            if args.matching.is_some() { "none of the feeds that match has" } else { "the directory has no feed with" };
        return Err(Fault::new(Kind::Usage, format!("{what} a proxy")).hint("give the address of an aggregator"));
    }
    Ok(entries)
}

/// The targets of the alerts.
fn from_alerts(
    args: &Args,
    directory: Option<&Directory>,
    seen: &mut BTreeSet<H160>,
    out: &mut Resolved,
) -> Result<(), Fault> {
    let networks = alert::networks(&args.alerts);
    let only = args.network.as_deref().filter(|name| networks.contains(*name));
    if networks.len() > 1 && only.is_none() {
        let names: Vec<String> = networks.into_iter().take(8).collect();
        return Err(Fault::new(Kind::Usage, format!("the alerts are of several networks: {}", names.join(", ")))
            .hint("name the one to report on with --network"));
    }
    let mut faults = Vec::new();
    let (mut found, mut resolved, mut elsewhere, mut silent) = (0, 0, 0, 0);
    for alert in &args.alerts {
        let scope = alert::chain_scope(alert);
        if only.is_some() && scope.network.as_deref().is_some_and(|name| Some(name) != only) {
            elsewhere += 1;
            continue;
        }
        match pointed(&scope, directory) {
            Some((target, note)) => {
                found += 1;
                if out.notes.len() < MAX_NOTES {
                    out.notes.extend(note);
                }
                resolved += usize::from(alert.resolved);
                out.add(seen, target);
            }
            // Composing a fault compares with every name: a few are enough.
            None if faults.len() < MAX_NOTES => faults.push(why_not(alert, &scope, directory)),
            None => silent += 1,
        }
    }
    if found == 0 && !faults.is_empty() && out.targets.is_empty() {
        return Err(if faults.len() == 1 { faults.remove(0) } else { as_one(faults) });
    }
    out.notes.extend(faults.iter().map(Fault::one_line));
    if silent > 0 {
        out.notes.push(format!("{silent} more alerts name no feed that could be found"));
    }
    if elsewhere > 0 {
        out.notes.push(format!("{elsewhere} alerts are of other networks and were left out"));
    }
    if resolved > 0 {
        out.notes.push(match (resolved, found) {
            (1, 1) => "the alert is resolved already".to_owned(),
            (resolved, found) if resolved == found => "the alerts are resolved already".to_owned(),
            (resolved, found) => format!("{resolved} of {found} alerts are resolved already"),
        });
    }
    Ok(())
}

/// The contract that an alert points to most surely, and what is odd about that. Its address need not be in the
/// directory; its name must.
fn pointed(scope: &Scope, directory: Option<&Directory>) -> Option<(Target, Option<String>)> {
    let lead = |hint: &TargetHint| {
        if let Some(address) = hint.address {
            return Some((address, directory.and_then(|directory| directory.by_address(address))));
        }
        let entry = directory?.find(&hint.value).ok()?;
        entry.address().map(|address| (address, Some(entry)))
    };
    let (at, (address, entry)) = scope.targets.iter().enumerate().find_map(|(at, hint)| Some((at, lead(hint)?)))?;
    let hint = &scope.targets[at];
    // A cut address is worth a word; another label that is merely no feed's name is not.
    let cut = scope.targets[..at].iter().find(|earlier| earlier.value.starts_with("0x"));
    let note =
        cut.map(|cut| format!("the alert's {} is no address (`{}`): {} was used", cut.label, cut.value, hint.label));
    Some((Target { input: hint.value.clone(), address, entry: entry.cloned() }, note))
}

/// Why an alert points to no contract.
fn why_not(alert: &Alert, scope: &Scope, directory: Option<&Directory>) -> Fault {
    let name = alert.name().map_or_else(|| "without a name".to_owned(), |name| format!("`{}`", excerpt(name, 80)));
    let message = format!("the alert {name} names no feed that can be found");
    match scope.targets.first() {
        None => Fault::new(Kind::Usage, message)
            .because("it has no label such as contract_address, proxy or feed_name")
            .hint("give the feed itself: ira feed-report eth-usd"),
        Some(TargetHint { label, value, .. }) => match named(value, directory) {
            Err(fault) => fault.wrap(format!("its label {label}")).wrap(message),
            Ok(_) => Fault::new(Kind::Usage, message),
        },
    }
}
