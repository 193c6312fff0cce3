//! What `ira help` says: the topics, and the examples that every `--help` opens with.

mod examples;

use clap::Command;
use ira_commands::text::nearest;
use ira_commands::{Fault, Kind};

use crate::config::env::VARIABLES;
use crate::render::push;

pub use examples::{Example, of};

/// The topics, in the order in which they are listed, with a line about each.
pub const TOPICS: &[(&str, &str)] = &[
    ("output", "what goes where, in which form"),
    ("exit-codes", "what the exit code says"),
    ("config", "where settings come from, and what they are"),
    ("networks", "which networks there are, and how to add one"),
    ("feeds", "how a feed is named, and what each check means"),
    ("vrf", "how a request is named, and what each cause means"),
    ("playbooks", "what is to be done when an alert comes, as a file"),
    ("runs", "how an alert is answered, what denies it, and how one goes on with what broke off"),
    ("actions", "what `ira act` can do, and what becomes of it after a crash"),
    ("daemon", "alerts in, the same commands run, a person when needed"),
    ("sources", "who sends alerts, and how each proves who it is"),
    ("drills", "what may be broken to see whether it is mended"),
    ("people", "systems that are asked, people who are told: HTTP, metrics, alerts, pages, tickets, notes"),
];

/// The environment variables that are no configuration, each with what it does.
const OTHER_VARIABLES: [(&str, &str); 4] = [
    (crate::logging::VARIABLE, "error, warn, info, debug or trace: writes what happens on the way to stderr"),
    ("TERM", "dumb: no colour, no progress"),
    ("COLUMNS", "the width that a table is to fit, in place of the terminal's"),
    ("COMPLETE", "a shell's name: answers that shell's completion, and does nothing else"),
];

/// Every environment variable that `ira` reads, with what it does.
pub fn environment() -> impl Iterator<Item = (&'static str, &'static str)> {
    VARIABLES.iter().map(|variable| (variable.name, variable.doc)).chain(OTHER_VARIABLES)
}

/// The files that `ira` reads and writes without being told to, each with what it is.
pub const FILES: &[(&str, &str)] = &[
    ("~/.config/ira/config.toml", "the user's configuration"),
    ("~/.config/ira/playbooks, /etc/ira/playbooks", "playbooks, one a file (`*.yaml`)"),
    (".ira.toml", "the project's configuration, in the working directory or above it; it may set no credential"),
    ("/etc/ira/config.toml", "the system's configuration"),
    ("~/.cache/ira", "directories of feeds, as they were fetched last"),
    ("~/.local/state/ira/attempts", "what scripts were run, what they wrote, and how they ended"),
    ("~/.local/state/ira", "the journal: what was signed, written down before it was sent; and the locks of keys"),
];

/// About the whole command first, then examples, then the usage.
const TEMPLATE: &str = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// Puts the examples of every command at the top of its help.
pub fn with_examples(command: Command) -> Command {
    let topics: Vec<&str> = TOPICS.iter().map(|(name, _)| *name).collect();
    let after = format!("Topics: {}   (`ira help TOPIC`)", topics.join(", "));
    dressed(command.after_help(after), "ira")
}

fn dressed(command: Command, path: &str) -> Command {
    let mut text = String::from("Examples:");
    for example in of(path) {
        push(&mut text, format_args!("\n  {}\n      {}", example.line, example.what));
    }
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut command = command.help_template(TEMPLATE).before_help(text);
    for name in names {
        let below = format!("{path} {name}");
        command = command.mut_subcommand(name, |sub| dressed(sub, &below));
    }
    command
}

/// The text of a topic; `None` where there is no such topic.
pub fn topic(name: &str) -> Option<String> {
    Some(match name {
        "output" => include_str!("output.md").to_owned(),
        "exit-codes" => exit_codes(),
        "config" => include_str!("config.md").to_owned(),
        "networks" => networks(),
        "feeds" => include_str!("feeds.md").to_owned(),
        "vrf" => include_str!("vrf.md").to_owned(),
        "playbooks" => include_str!("playbooks.md").to_owned(),
        "runs" => include_str!("runs.md").to_owned(),
        "actions" => include_str!("actions.md").to_owned(),
        "daemon" => include_str!("daemon.md").to_owned(),
        "sources" => include_str!("sources.md").to_owned(),
        "drills" => include_str!("drills.md").to_owned(),
        "people" => include_str!("people.md").to_owned(),
        _ => return None,
    })
}

fn exit_codes() -> String {
    format!(
        "# Exit codes\n\nThey are public: a script may branch on them.\n\n{}\n\
         With `--json`, `success` is false for every code that is not 0 or 4; with 4 the verdict is in `data`.\n",
        crate::exit::lines()
    )
}

fn networks() -> String {
    let mut out = include_str!("networks.md").to_owned();
    out.push_str("\n## The networks that ship\n\n");
    for (name, chain_id) in shipped() {
        push(&mut out, format_args!("    {name:<20} {chain_id:>10}\n"));
    }
    out
}

/// Name and chain id of each network that ships, by name.
fn shipped() -> Vec<(String, i64)> {
    let all: toml::Table = toml::from_str(include_str!("../config/networks.toml")).unwrap_or_default();
    let networks = all.get("networks").and_then(toml::Value::as_table);
    let id = |network: &toml::Value| network.get("chain_id").and_then(toml::Value::as_integer);
    networks.into_iter().flatten().filter_map(|(name, network)| Some((name.clone(), id(network)?))).collect()
}

/// What `ira help WORDS` prints: the whole, a topic, or a command's own help.
pub fn answer(words: &[String], mut all: Command, colour: bool) -> Result<String, Fault> {
    if let [one] = words
        && let Some(text) = topic(one)
    {
        return Ok(text);
    }
    all.build();
    let mut command = &all;
    for word in words {
        command = command.find_subcommand(word).ok_or_else(|| unknown(words, command))?;
    }
    let text = command.clone().render_long_help();
    Ok(if colour { text.ansi().to_string() } else { text.to_string() })
}

fn unknown(words: &[String], within: &Command) -> Fault {
    let known = known(within);
    let asked = words.join(" ");
    let fault = Fault::new(Kind::Usage, format!("there is no help about `{asked}`"));
    match words.last().and_then(|word| nearest(word, known.iter().map(String::as_str))) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint(format!("one of: {}", known.join(", "))),
    }
}

/// Every word that `ira help` knows: the topics, and the commands of `within`.
pub fn known(within: &Command) -> Vec<String> {
    let mut known: Vec<String> = TOPICS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for name in within.get_subcommands().map(Command::get_name) {
        if name != "help" && !known.iter().any(|word| word == name) {
            known.push(name.to_owned());
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    fn ask(words: &[&str]) -> Result<String, Fault> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        answer(&words, cli::command(), false)
    }

    #[test]
    fn every_action_stands_in_its_topic() {
        let text = topic("actions").expect("a topic");
        for name in ira_commands::actions::Action::NAMES {
            assert!(text.contains(&format!("`{name}`")), "{name}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn every_topic_has_a_text_and_stands_in_the_help() {
        let whole = ask(&[]).expect("the whole");
        for (name, _) in TOPICS {
            assert!(topic(name).expect(name).starts_with("# "), "{name}");
            assert!(whole.contains(name), "{name} in {whole}");
        }
    }

    #[test]
    fn a_commands_help_opens_with_what_it_is_and_examples() {
        let text = ask(&["feed-report"]).expect("its help");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("Say whether"), "{text}");
        assert_eq!(lines[2], "Examples:", "{text}");
        assert!(text.contains("--rpc-url") && text.contains("--threshold"), "{text}");
        assert!(ask(&["config", "check"]).expect("its help").contains("exit 78"));
    }

    #[test]
    fn the_networks_that_ship_are_listed() {
        let listed = shipped();
        let known = crate::connect::known_networks();
        assert!(listed.len() > 20 && listed.iter().all(|(name, _)| known.contains(name)), "{listed:?}");
        let text = topic("networks").expect("a topic");
        assert!(text.contains("    ethereum-mainnet              1\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn a_variable_is_listed_once() {
        let mut names: Vec<&str> = environment().map(|(name, _)| name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{names:?}");
        assert!(names.contains(&"IRA_DIRECTORY") && names.contains(&"IRA_LOG"));
    }

    #[test]
    fn an_unknown_topic_names_the_nearest() {
        assert_eq!(ask(&["exit-code"]).expect_err("no topic").hint.as_deref(), Some("did you mean `exit-codes`?"));
        assert_eq!(ask(&["feed-reprot"]).expect_err("no topic").hint.as_deref(), Some("did you mean `feed-report`?"));
        assert!(ask(&["zzzzzz"]).expect_err("no topic").hint.expect("a hint").starts_with("one of: output"));
    }
}
