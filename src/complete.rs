//! What the shell is told while a person types. The stubs in `completions/` ask the binary, which comes here.

use std::ffi::OsStr;

use clap::Command;
use clap_complete::{ArgValueCompleter, CompleteEnv, CompletionCandidate};
use ira_commands::actions::Action;
use ira_commands::text::clean;

use crate::cli::{self, Shell};
use crate::seen::Of;
use crate::{connect, help};

/// A feed that can be typed: what stands on the command line, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFeed {
    /// As typed (`eth-usd`).
    pub path: String,
    /// As published (`ETH / USD`).
    pub name: String,
}

/// Answers a shell that asks for completions, and ends the process. Does nothing where none asks.
pub fn answer() {
    CompleteEnv::with_factory(command).complete();
}

/// The command line interface with everything that knows values.
fn command() -> Command {
    let node = || ArgValueCompleter::new(|typed: &OsStr| names(typed, &connect::known_nodes()));
    let feed = || ArgValueCompleter::new(|typed: &OsStr| feeds(typed));
    let network = || ArgValueCompleter::new(|typed: &OsStr| networks(typed));
    let vrf = |sub: Command, name: &'static str, of: Of| {
        if sub.get_arguments().any(|arg| arg.get_id() == name) {
            sub.mut_arg(name, |arg| arg.add(ArgValueCompleter::new(move |typed: &OsStr| ids(typed, of))))
        } else {
            sub
        }
    };
    let every = move |sub: Command| {
        let sub = vrf(sub, "request", Of::Requests);
        let sub = vrf(vrf(sub, "subscription", Of::Subscriptions), "coordinator", Of::Coordinators);
        let names_one = sub.get_arguments().any(|arg| arg.get_id() == "network");
        if names_one { sub.mut_arg("network", |arg| arg.add(network())) } else { sub }
    };
    cli::command()
        .mut_subcommand("vrf-runbook", every)
        .mut_subcommand("act", |act| {
            Action::NAMES
                .iter()
                .filter(|name| name.starts_with("chain."))
                .fold(act, |act, name| act.mut_subcommand(*name, every))
        })
        .mut_subcommand("feed-report", |sub| {
            sub.mut_arg("feeds", |arg| arg.add(feed()))
                .mut_arg("reference", |arg| arg.add(feed()))
                .mut_arg("network", |arg| arg.add(ArgValueCompleter::new(|typed: &OsStr| networks(typed))))
        })
        .mut_subcommand("vrf-runbook", |sub| {
            sub.mut_arg("nodes", |arg| arg.add(node()))
                .mut_arg("network", |arg| arg.add(ArgValueCompleter::new(|typed: &OsStr| networks(typed))))
        })
        .mut_subcommand("act", |act| {
            ["node.replay", "node.enable_key"]
                .into_iter()
                .fold(act, |act, name| act.mut_subcommand(name, |sub| sub.mut_arg("node", |arg| arg.add(node()))))
        })
        .mut_subcommand("help", |sub| sub.mut_arg("topic", |arg| arg.add(ArgValueCompleter::new(topics))))
}

fn feeds(typed: &OsStr) -> Vec<CompletionCandidate> {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let known = connect::known_feeds(value_of("--network", &words), value_of("--directory", &words));
    let found = complete_feeds(&typed.to_string_lossy(), &known);
    found.into_iter().map(|feed| CompletionCandidate::new(&feed.path).help(Some(clean(&feed.name).into()))).collect()
}

fn networks(typed: &OsStr) -> Vec<CompletionCandidate> {
    names(typed, &connect::known_networks())
}

fn names(typed: &OsStr, known: &[String]) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    known
        .iter()
        .filter(|name| name.starts_with(typed.as_ref()) && is_plain(name))
        .map(CompletionCandidate::new)
        .collect()
}

/// What the last reports saw, and what is configured: plain words and digits only, for a shell takes them as they are.
fn ids(typed: &OsStr, of: Of) -> Vec<CompletionCandidate> {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    // The word that is being typed names no coordinator yet.
    let coordinator = value_of("--coordinator", &words).filter(|_| of != Of::Coordinators);
    let known = connect::known_vrf(of, value_of("--network", &words), coordinator);
    let typed = typed.to_string_lossy().to_lowercase();
    let begins = |id: &&String| is_plain(id) && id.to_lowercase().starts_with(&typed);
    known.iter().filter(begins).map(CompletionCandidate::new).collect()
}

fn topics(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy().into_owned();
    let commands = cli::command();
    help::known(&commands)
        .into_iter()
        .filter(|name| name.starts_with(&typed))
        .map(|name| {
            let about = help::TOPICS.iter().find(|(topic, _)| *topic == name).map(|(_, about)| (*about).to_owned());
            let about =
                about.or_else(|| commands.find_subcommand(&name)?.get_about().map(std::string::ToString::to_string));
            CompletionCandidate::new(name).help(about.map(Into::into))
        })
        .collect()
}

/// The feeds that what was typed may become, in the order in which they are known. The path is offered, because a name
/// (`ETH / USD`) holds blanks and slashes; a name may still be typed. What is published is text from outside, and bash
/// puts a candidate on the command line as it is: one that holds more than letters, digits and `. _ -` is not offered.
pub fn complete_feeds<'a>(typed: &str, known: &'a [KnownFeed]) -> Vec<&'a KnownFeed> {
    let typed = as_path(typed);
    known.iter().filter(|feed| is_plain(&feed.path) && feed.path.to_lowercase().starts_with(&typed)).collect()
}

/// `ETH / U` as a path begins: `eth-u`.
fn as_path(typed: &str) -> String {
    let mut out = String::new();
    let typed = typed.trim_start_matches(['"', '\'']).to_lowercase();
    for c in typed.chars() {
        if matches!(c, ' ' | '/' | '\\') {
            if !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn is_plain(word: &str) -> bool {
    !word.starts_with('-')
        && !word.is_empty()
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// The value that `flag` has on the line being typed.
fn value_of<'a>(flag: &str, words: &'a [String]) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(at, word)| match word.split_once('=') {
        Some((name, value)) if name == flag => Some(value),
        None if word == flag => words.get(at + 1).map(String::as_str),
        _ => None,
    })
}

/// What `ira completions SHELL` prints: the file of that name in `completions/`.
pub fn stub(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("../completions/ira.bash"),
        Shell::Zsh => include_str!("../completions/_ira"),
        Shell::Fish => include_str!("../completions/ira.fish"),
        Shell::Elvish => include_str!("../completions/ira.elv"),
        Shell::Powershell => include_str!("../completions/ira.ps1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<KnownFeed> {
        [("eth-usd", "ETH / USD"), ("eth-btc", "ETH / BTC"), ("btc-usd", "BTC / USD"), ("$(id)", "EVIL"), ("-x", "X")]
            .map(|(path, name)| KnownFeed { path: path.to_owned(), name: name.to_owned() })
            .to_vec()
    }

    fn offered(typed: &str) -> Vec<String> {
        complete_feeds(typed, &known()).into_iter().map(|feed| feed.path.clone()).collect()
    }

    #[test]
    fn a_beginning_of_path_or_name_offers_paths() {
        assert_eq!(offered("eth"), ["eth-usd", "eth-btc"]);
        assert_eq!(offered("ETH / U"), ["eth-usd"]);
        assert_eq!(offered("\"ETH/B"), ["eth-btc"]);
        assert_eq!(offered("ETH\\ /\\ USD"), ["eth-usd"]);
        assert_eq!(offered("xyz"), [""; 0]);
    }

    #[test]
    fn what_a_shell_would_run_or_take_for_a_flag_is_never_offered() {
        assert_eq!(offered(""), ["eth-usd", "eth-btc", "btc-usd"]);
    }

    #[test]
    fn the_network_typed_before_narrows_the_feeds() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(value_of("--network", &words("ira feed-report --network base e")), Some("base"));
        assert_eq!(value_of("--network", &words("ira feed-report --network=base e")), Some("base"));
        assert_eq!(value_of("--network", &words("ira feed-report e")), None);
    }

    #[test]
    fn every_completer_hangs_on_an_argument_that_exists() {
        command().debug_assert();
    }

    #[test]
    fn topics_complete_with_what_they_are_about() {
        let offered = topics(OsStr::new("ex"));
        assert_eq!(offered.len(), 1);
        assert!(offered[0].get_help().expect("help").to_string().contains("exit code"));
    }
}
